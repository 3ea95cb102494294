"""Codes mean what the terminologies say they mean."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.sr._concepts_dict import concepts

from appliance.domain import coding
from appliance.domain.coding import LEFT, PRIVATE_SCHEME, RIGHT, CodedConcept, private
from appliance.findings import codes

OWN = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in (coding, codes)
    for name, value in vars(module).items()
    if isinstance(value, CodedConcept)
}
PUBLIC = {name: concept for name, concept in OWN.items() if concept.scheme_designator != PRIVATE_SCHEME}

NOT_IN_PS3_16 = {
    ("SCT", "2667000"): "Absent",
    ("SCT", "3341006"): "Right lung",
    ("SCT", "44029006"): "Left lung",
    ("SCT", "9846003"): "Right kidney",
    ("SCT", "18639004"): "Left kidney",
    ("UCUM", "ml"): "Millilitre",
    ("UCUM", "mm"): "Millimeter",
    ("UCUM", "cm2"): "Square centimeter",
}
"""SNOMED CT's and UCUM's own; looked up there."""


def meanings(concept: CodedConcept) -> set[str]:
    """What PS3.16 (as pydicom holds it) calls the code."""
    codes_of = concepts.get(concept.scheme_designator, {}).values()
    return {by_code[concept.value][0].lower() for by_code in codes_of if concept.value in by_code}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_code_has_the_meaning_that_the_standard_gives_it(name: str) -> None:
    concept = PUBLIC[name]
    known = NOT_IN_PS3_16.get((concept.scheme_designator, concept.value))
    names = {known.lower()} if known else meanings(concept)
    said = concept.meaning.lower()
    assert any(said == other or re.match(rf"(body )?{re.escape(said)} structure\b", other) for other in names), names


def labels(project: Path) -> Iterator[tuple[str, CodedConcept]]:
    for path in sorted(project.glob("models_onnx/*/*/manifest.toml")):
        for label in tomllib.loads(path.read_text(encoding="utf-8"))["findings"].get("labels", ()):
            for key in ("category", "property_type", "modifier"):
                if key in label:
                    yield path.parent.parent.name, CodedConcept(*label[key])


def test_every_label_of_a_shipped_package_is_coded_as_the_standard_has_it(project: Path) -> None:
    found = list(labels(project))
    assert len(found) >= 8
    for package, concept in found:
        assert any(concept.meaning.lower() in other for other in meanings(concept)), (package, concept)


def test_no_two_concepts_share_a_code_and_no_meaning_is_empty() -> None:
    by_code = {(c.scheme_designator, c.value): name for name, c in OWN.items() if not name.startswith("codes.LEFT")}
    distinct = {name: c for name, c in OWN.items() if name not in ("codes.LEFT", "codes.RIGHT")}
    assert len({(c.scheme_designator, c.value) for c in distinct.values()}) == len(distinct)
    assert by_code
    assert all(c.meaning.strip() == c.meaning != "" for c in OWN.values())


@pytest.mark.parametrize("name", OWN)
def test_codes_fit_their_attributes(name: str) -> None:
    """Code Value and Coding Scheme Designator are SH (16 characters), Code Meaning is LO (64): PS3.3 8.1."""
    concept = OWN[name]
    assert len(concept.scheme_designator) <= 16
    assert len(concept.meaning) <= 64
    assert len(concept.value) <= 64  # beyond 16 it goes to Long Code Value
    assert "\\" not in concept.meaning


def test_structures_that_say_their_side_go_both_ways() -> None:
    for sided, (structure, side) in codes.SIDED.items():
        assert side in (LEFT, RIGHT)
        assert side.meaning.lower() in sided.meaning.lower()
        assert structure.meaning.lower() in sided.meaning.lower()
        assert codes.WITH_SIDE[structure, side] == sided


def test_a_concept_is_its_code_whatever_the_wording() -> None:
    assert CodedConcept("1", "SCT", "a") == CodedConcept("1", "SCT", "b")
    assert CodedConcept("1", "SCT", "a") != CodedConcept("1", "DCM", "a")
    assert private("x", "y").scheme_designator.startswith("99")  # PS3.3 8.2: private schemes begin with 99
