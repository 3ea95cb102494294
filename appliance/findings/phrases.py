"""What a language must bring so that a report can be written, and checked, in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.domain.coding import LEFT, RIGHT, CodedConcept
from appliance.domain.finding import Segment
from appliance.domain.model_package import Label
from appliance.findings.codes import WITH_SIDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Words of one language. Every statement reads "name: statement.", so that no grammar depends on the name.

    Negation appears only in statements of absence: a reader, and the consistency check, tell presence from absence by
    the words that `negation` finds. In free text, `denial_before` a name and `denial_after` it deny what is named,
    unless a word of `denial_ends` comes between ("no lesion in the liver"). Placeholders are those of str.format.
    """

    language: str
    decimal_sign: str
    grouping_sign: str
    title: str
    names: Mapping[CodedConcept, str]
    packages: Mapping[str, str]
    values: Mapping[CodedConcept, str]
    units: Mapping[str, str]
    directions: Mapping[str, str]
    refusals: Mapping[str, str]

    statement: str
    fact_separator: str
    volume: str
    area: str
    intensity: str
    extent: str
    axial_extent: str
    at_detector: str
    part_volume: str
    part_area: str
    segmented: str
    ratio_of_volumes: str
    ratio_of_areas: str
    generic_number: str

    found: str
    not_found: str
    not_found_list: str
    with_probability: str
    undetermined: str
    cut: str
    box: str
    small: str
    no_limitation: str
    side_undetermined: str
    quality_diagnostic: str
    quality_limited: str
    quality_undetermined: str
    modality_agrees: str
    modality_contradicted: str
    modality_undetermined: str
    text_found: str
    generated_text: str
    no_statement: str

    refused: str
    not_applicable: str
    left_out: str
    nothing_ran: str
    nothing_positive: str
    stopped: str
    series_prefix: str
    image_prefix: str
    flagged: str

    negation: re.Pattern[str]
    denial_before: re.Pattern[str]
    denial_after: re.Pattern[str]
    denial_ends: frozenset[str]
    sides: Mapping[CodedConcept, re.Pattern[str]]

    def name(self, structure: CodedConcept, modifier: CodedConcept | None = None) -> str:
        """A structure, with its side."""
        sided = WITH_SIDE.get((structure, modifier)) if modifier is not None else None
        plain = self.names.get(sided or structure, (sided or structure).meaning)
        if sided is None and modifier in (LEFT, RIGHT):
            return f"{plain}, {self.values[modifier]}"
        return plain

    def name_of(self, labelled: Segment | Label) -> str:
        """What a segment is called; its own label where the language has no name for its code."""
        known = (labelled.property_type, labelled.modifier) in WITH_SIDE or labelled.property_type in self.names
        return self.name(labelled.property_type, labelled.modifier) if known else _label_of(labelled)

    def package(self, name: str) -> str:
        """A model package by its name, or by name and version."""
        plain = name.partition("@")[0]
        return self.packages.get(plain, plain)

    def number(self, value: float, decimals: int) -> str:
        """With the decimal sign of the language and no grouping, which one country reads as another's decimals."""
        return f"{round(value, decimals) + 0.0:.{decimals}f}".replace(".", self.decimal_sign)

    def quantity(self, value: float, unit: CodedConcept) -> str:
        """A number as precisely as a reader can use it, and its unit."""
        sign = self.units.get(unit.value, unit.value)
        return f"{self.number(value, decimals(value, unit))} {sign}".strip()


def decimals(value: float, unit: CodedConcept) -> int:
    """Decimals worth printing: none of whole numbers, millimetres, Hounsfield units and large quantities."""
    if unit.value in ("mm", "[hnsf'U]", "%"):
        return 0
    if unit.value in ("{ratio}", "1"):
        return 0 if float(value).is_integer() and abs(value) > 1 else 2
    return 0 if abs(value) >= 100 else 1


def _label_of(labelled: Segment | Label) -> str:
    return labelled.label if isinstance(labelled, Segment) else labelled.name
