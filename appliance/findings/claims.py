"""What a sentence claims, read from its words, and the facts it can be held against."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from appliance.domain.coding import LEFT, PERCENT, RIGHT, CodedConcept
from appliance.domain.finding import Evaluation, Finding, Measurement, Narrative, Region, Segment, Sentence
from appliance.domain.workitem import Analysis
from appliance.findings import codes
from appliance.findings.laterality import side_of, side_of_concept
from appliance.findings.phrases import Phrases

_SIDES = {"left": LEFT, "right": RIGHT}
_TIMES = re.compile(r"\s*(?:x|×|by|mal)\s*", re.IGNORECASE)

UNITS_SAID: Mapping[str, tuple[str, float]] = MappingProxyType(
    {
        **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres", "millimetern"), ("mm", 1.0)),
        **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres", "zentimeter"), ("mm", 10.0)),
        **dict.fromkeys(("ml", "cc", "ccm", "cm3", "cm³", "milliliter", "milliliters", "millilitres"), ("ml", 1.0)),
        **dict.fromkeys(("l", "liter", "liters", "litre", "litres", "litern"), ("ml", 1000.0)),
        **dict.fromkeys(("cm2", "cm²", "qcm", "sq cm"), ("cm2", 1.0)),
        **dict.fromkeys(("mm2", "mm²"), ("cm2", 0.01)),
        **dict.fromkeys(("hu", "he", "hounsfield units", "hounsfield-einheiten"), ("[hnsf'U]", 1.0)),
        **dict.fromkeys(("%", "percent", "per cent", "prozent"), ("%", 1.0)),
    }
)
"""How units are written, in lower case: the unit that findings have (UCUM), and how much of it one is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A finding, and the segment it was measured in or says something of."""

    finding: Finding
    segment: Segment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number as printed: its value, how many decimals it shows, and the unit (UCUM) that follows, if one does.

    factor: how much of `unit` the printed unit is (10 for cm, where `unit` is mm).
    """

    value: float
    decimals: int
    unit: str = ""
    factor: float = 1.0


def facts_of(sentence: Sentence, analyses: Sequence[Analysis]) -> tuple[Fact, ...] | None:
    """The evidence of a sentence in its order; None when it points to a finding that does not exist."""
    by_uid = {str(analysis.workitem.uid): analysis for analysis in analyses}
    facts = []
    for uid, index in sentence.evidence:
        if uid not in by_uid or not 0 <= index < len(by_uid[uid].findings):
            return None
        facts.append(_fact(by_uid[uid].findings[index], by_uid[uid]))
    return tuple(facts)


def all_facts(analyses: Sequence[Analysis]) -> Iterator[Fact]:
    """Every finding of a study but the texts about it."""
    for analysis in analyses:
        for finding in analysis.findings:
            if not isinstance(finding, Narrative):
                yield _fact(finding, analysis)


def names_of(fact: Fact, phrases: Phrases) -> frozenset[str]:
    """The words by which a sentence can name what a fact is about; a side is not part of them."""
    finding = fact.finding
    if isinstance(finding, Evaluation | Region):
        concept = finding.concept
    elif fact.segment is not None:
        concept = fact.segment.property_type
    else:
        return frozenset()
    structure = codes.SIDED.get(concept, (concept, None))[0]
    return frozenset({phrases.names.get(structure, structure.meaning), structure.meaning})


def occurrences(text: str, name: str) -> Iterator[re.Match[str]]:
    """Where a sentence says a name, in the singular or with a plural ending."""
    return re.finditer(rf"(?<!\w){re.escape(name)}(?:s|es|n|en)?(?!\w)", text, re.IGNORECASE)


def sides_said(text: str, phrases: Phrases) -> list[CodedConcept]:
    """Sides of the body in the order in which a sentence says them."""
    said = [(match.start(), side) for side, words in phrases.sides.items() for match in words.finditer(text)]
    return [side for _, side in sorted(said, key=lambda item: item[0])]


def sides_known(facts: Sequence[Fact]) -> Iterator[CodedConcept]:
    """Sides that facts state, in the order of the facts; a segment counts once."""
    seen: list[Segment] = []
    for fact in facts:
        if fact.segment is not None and not any(fact.segment is other for other in seen):
            seen.append(fact.segment)
            if side := side_of(fact.segment):
                yield _SIDES[side]
        yield from _own_sides(fact.finding)


def quantities_said(text: str, phrases: Phrases) -> Iterator[Quantity]:
    """Every number of a sentence that stands by itself (not the 3 of "3D").

    The numbers of "5 x 4 cm" all have the unit of the last.
    """
    said: list[Quantity] = []
    unit, follower = "", None
    for match in reversed(list(_number_pattern(phrases).finditer(text))):
        shared = follower is not None and _TIMES.fullmatch(text[match.end() : follower.start()])
        unit, follower = (match["unit"] or (unit if shared else "")).lower(), match
        said.append(_quantity(match["whole"], match["fraction"] or "", unit))
    yield from reversed(said)


def _quantity(whole: str, fraction: str, unit: str) -> Quantity:
    code, factor = UNITS_SAID.get(unit, ("", 1.0))
    value = float(f"{re.sub(r'[^0-9-]', '', whole)}.{fraction or 0}")
    return Quantity(value=value, decimals=len(fraction), unit=code, factor=factor)


def quantities_known(facts: Sequence[Fact]) -> Iterator[tuple[float, str]]:
    """Values that facts state, with their unit (UCUM)."""
    for fact in facts:
        finding = fact.finding
        if isinstance(finding, Measurement):
            yield finding.value, finding.unit.value
        elif isinstance(finding, Evaluation):
            if finding.probability is not None:
                yield 100 * finding.probability, PERCENT.value
            if finding.operating_point is not None:
                yield 100 * finding.operating_point.threshold, PERCENT.value


def same_quantity(said: Quantity, known: tuple[float, str], phrases: Phrases) -> bool:
    """Is a printed number the rounded known one, in its unit where it prints one?"""
    value, unit = known
    if said.unit and said.unit != unit:
        return False
    return phrases.number(said.value, said.decimals) == phrases.number(value / said.factor, said.decimals)


def _number_pattern(phrases: Phrases) -> re.Pattern[str]:
    group, sign = (re.escape(mark) for mark in (phrases.grouping_sign, phrases.decimal_sign))
    units = "|".join(re.escape(unit) for unit in sorted(UNITS_SAID, key=len, reverse=True))
    return re.compile(
        rf"(?<![\w.,])(?P<whole>-?(?:\d{{1,3}}(?:{group}\d{{3}})+|\d+))(?:{sign}(?P<fraction>\d+))?"
        rf"(?:\s*(?P<unit>{units})(?!\w)|(?!\w))",
        re.IGNORECASE,
    )


def _fact(finding: Finding, analysis: Analysis) -> Fact:
    if isinstance(finding, Segment):
        return Fact(finding=finding, segment=finding)
    if isinstance(finding, Measurement | Evaluation) and finding.segment is not None:
        place = (finding.segment, finding.source_index)
        segments = (other for other in analysis.findings if isinstance(other, Segment))
        return Fact(finding=finding, segment=next((s for s in segments if (s.number, s.source_index) == place), None))
    return Fact(finding=finding)


def _own_sides(finding: Finding) -> Iterator[CodedConcept]:
    if isinstance(finding, Measurement) and finding.concept == codes.LEFT_RIGHT_RATIO:
        yield from (LEFT, RIGHT)
    if isinstance(finding, Evaluation):
        if side := side_of_concept(finding.concept):
            yield _SIDES[side]
        if finding.concept == codes.ANATOMY_COVERAGE_INCOMPLETE:
            yield from ({"L": LEFT, "R": RIGHT}[c] for c in finding.explanation.split(", ") if c in ("L", "R"))
