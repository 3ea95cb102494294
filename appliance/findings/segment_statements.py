"""What a report says of one segment: its numbers, the limits of its outline, its side."""

from collections.abc import Iterator, Mapping

from appliance.domain.coding import PRESENT, CodedConcept
from appliance.domain.finding import Evaluation, Measurement, Outcome, Segment, Sentence
from appliance.findings import codes
from appliance.findings.phrases import Phrases

Pair = tuple[Sentence, Sentence | None]
"""A sentence of the findings and what the impression says of it."""

_OUTLINE = (codes.ANATOMY_COVERAGE_INCOMPLETE, codes.PROMPT_EXCEEDED, codes.SMALL_FOR_IMAGE)


def segment_statements(
    uid: str, index: int, segment: Segment, here: Mapping[int, object], phrases: Phrases, prefix: str
) -> Iterator[Pair]:
    """Sentences about the segment at `index` of the findings `here` (those of one image, by index)."""
    name = prefix + phrases.name_of(segment)
    own = {i: f for i, f in here.items() if getattr(f, "segment", None) == segment.number}
    numbers = {(f.concept, f.derivation): (i, f) for i, f in own.items() if isinstance(f, Measurement)}
    flags = [(i, f) for i, f in own.items() if isinstance(f, Evaluation) and f.concept in _OUTLINE]
    raised = [(i, f) for i, f in flags if f.value == PRESENT]
    cut = any(f.concept == codes.ANATOMY_COVERAGE_INCOMPLETE for _, f in raised)
    yield _numbers(uid, index, name, numbers, phrases), _impression(uid, index, name, numbers, cut, phrases)
    for i, flag in raised:
        sentence = _sentence(phrases, name, _flag(flag, phrases), Outcome.LIMITED, ((uid, i),))
        yield sentence, None if flag.concept == codes.ANATOMY_COVERAGE_INCOMPLETE else sentence
    if flags and not raised:
        evidence = tuple((uid, i) for i, _ in flags)
        yield _sentence(phrases, name, phrases.no_limitation, Outcome.NEGATIVE, evidence), None
    for i, item in own.items():
        if isinstance(item, Evaluation) and item.concept == codes.SIDE_DETERMINED:
            sentence = _sentence(phrases, name, phrases.side_undetermined, Outcome.LIMITED, ((uid, i),))
            yield sentence, sentence


_Numbers = Mapping[tuple[CodedConcept, CodedConcept | None], tuple[int, Measurement]]


def _numbers(uid: str, index: int, name: str, numbers: _Numbers, phrases: Phrases) -> Sentence:
    facts: list[str] = []
    evidence = [index]
    for words, used in (_size(numbers, phrases, cut=False), _intensity(numbers, phrases), _extent(numbers, phrases)):
        if words:
            facts.append(words)
            evidence += used
    text = phrases.fact_separator.join(facts) or phrases.segmented
    return _sentence(phrases, name, text, Outcome.INFORMATIVE, tuple((uid, i) for i in evidence))


def _impression(uid: str, index: int, name: str, numbers: _Numbers, cut: bool, phrases: Phrases) -> Sentence:
    words, used = _size(numbers, phrases, cut=cut)
    outcome = Outcome.LIMITED if cut else Outcome.INFORMATIVE
    return _sentence(phrases, name, words or phrases.segmented, outcome, tuple((uid, i) for i in [index, *used]))


def _size(numbers: _Numbers, phrases: Phrases, *, cut: bool) -> tuple[str, list[int]]:
    for concept, whole, part in (
        (codes.VOLUME, phrases.volume, phrases.part_volume),
        (codes.AREA, phrases.area, phrases.part_area),
    ):
        if (concept, None) in numbers:
            index, item = numbers[concept, None]
            return (part if cut else whole).format(value=phrases.quantity(item.value, item.unit)), [index]
    return "", []


def _intensity(numbers: _Numbers, phrases: Phrases) -> tuple[str, list[int]]:
    for (concept, derivation), (index, mean) in numbers.items():
        if derivation == codes.MEAN and (concept, codes.STANDARD_DEVIATION) in numbers:
            other, deviation = numbers[concept, codes.STANDARD_DEVIATION]
            words = phrases.intensity.format(
                name=phrases.names.get(concept, concept.meaning),
                mean=phrases.quantity(mean.value, mean.unit),
                deviation=phrases.quantity(deviation.value, deviation.unit),
            )
            return words, [index, other]
    return "", []


def _extent(numbers: _Numbers, phrases: Phrases) -> tuple[str, list[int]]:
    if (codes.LONG_AXIS, None) not in numbers or (codes.PERPENDICULAR_AXIS, None) not in numbers:
        return "", []
    (index, long), (other, perpendicular) = numbers[codes.LONG_AXIS, None], numbers[codes.PERPENDICULAR_AXIS, None]
    words = (phrases.axial_extent if (codes.VOLUME, None) in numbers else phrases.extent).format(
        long=phrases.number(long.value, 0), perpendicular=phrases.quantity(perpendicular.value, perpendicular.unit)
    )
    if long.method == codes.AT_DETECTOR:
        words += f" ({phrases.at_detector})"
    return words, [index, other]


def _flag(flag: Evaluation, phrases: Phrases) -> str:
    if flag.concept == codes.PROMPT_EXCEEDED:
        return phrases.box
    if flag.concept == codes.SMALL_FOR_IMAGE:
        return phrases.small
    words = [phrases.directions[letter] for letter in flag.explanation.split(", ") if letter in phrases.directions]
    return phrases.cut.format(where=f" ({', '.join(words)})" if words else "")


def _sentence(
    phrases: Phrases, name: str, text: str, outcome: Outcome, evidence: tuple[tuple[str, int], ...]
) -> Sentence:
    return Sentence(text=phrases.statement.format(name=name, text=text), outcome=outcome, evidence=evidence)
