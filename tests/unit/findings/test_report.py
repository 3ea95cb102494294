"""A generated text is kept as it was written, sentence by sentence."""

from dataclasses import replace

import numpy as np
import pytest

from appliance.domain.errors import RuntimeMismatch
from appliance.findings.report import interpret
from tests.helpers.findings import package
from tests.helpers.shapes import image, on_source_grid

SOURCE = image(np.zeros((4, 4)))


def parts(text: str, **options: str) -> tuple[list[str], list[str]]:
    described = replace(package(), options=options)
    (narrative,) = interpret({"text": np.array(text)}, on_source_grid(SOURCE), SOURCE, described)
    assert narrative.generator == "neural"
    assert not any(sentence.evidence for sentence in (*narrative.findings, *narrative.impression))
    return [s.text for s in narrative.findings], [s.text for s in narrative.impression]


@pytest.mark.parametrize(
    ("text", "findings", "impression"),
    [
        ("One nodule. No effusion.", ["One nodule.", "No effusion."], []),
        ("Findings: A nodule of 1.5 cm. Impression: Nodule.", ["A nodule of 1.5 cm."], ["Nodule."]),
        ("Before. FINDINGS : After! IMPRESSION: Last?", ["Before.", "After!"], ["Last?"]),
        ("Befund: Kein Erguss. Beurteilung: Unauffällig.", ["Kein Erguss."], ["Unauffällig."]),
        ("Impression: only this", [], ["only this"]),
        ("no full stop", ["no full stop"], []),
    ],
)
def test_sections_and_sentences_are_found(text: str, findings, impression) -> None:
    assert parts(text) == (findings, impression)


def test_nothing_of_the_text_is_lost() -> None:
    text = "A. B! C? D 1.5 mm; e. Impression: F. G"
    findings, impression = parts(text)
    assert " ".join([*findings, "Impression:", *impression]) == text


def test_language_and_title_are_the_manifests() -> None:
    described = replace(package(), options={"language": "de", "title": "T"})
    (narrative,) = interpret({"text": np.array("Ein Satz.")}, on_source_grid(SOURCE), SOURCE, described)
    assert (narrative.language, narrative.title) == ("de", "T")


@pytest.mark.parametrize("text", ["", "   ", "Findings: Impression:"])
def test_a_network_that_wrote_nothing_is_refused(text: str) -> None:
    with pytest.raises(RuntimeMismatch, match="no text"):
        parts(text)
