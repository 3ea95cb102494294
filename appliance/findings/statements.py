"""The findings of one analysis as statements: each with its evidence, and what the impression says of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from appliance.domain.coding import ABSENT, PERCENT, PRESENT, UNDETERMINED, CodedConcept
from appliance.domain.finding import Evaluation, Measurement, Narrative, Outcome, Segment, Sentence
from appliance.domain.workitem import Analysis
from appliance.findings import codes
from appliance.findings.phrases import Phrases
from appliance.findings.segment_statements import segment_statements

TECHNICAL = (codes.QUALITY_SCORE, codes.CT_LIKELIHOOD, codes.TEXT_REGION_COUNT)
"""Numbers that belong to an evaluation and are stated with it."""

BURNT_IN = (codes.BURNT_IN_TEXT, codes.BURNT_IN_NAME, codes.BURNT_IN_DATE)

FLAGS = (
    codes.ANATOMY_COVERAGE_INCOMPLETE,
    codes.PROMPT_EXCEEDED,
    codes.SMALL_FOR_IMAGE,
    codes.SIDE_DETERMINED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One sentence of the findings; `impression` is what the impression says of it, if anything.

    absent: the name of a structure or finding that was looked for and not found; the impression lists these together.
    """

    finding: Sentence
    impression: Sentence | None = None
    absent: str = ""


def statements(analysis: Analysis, phrases: Phrases, prefix: str = "") -> Iterator[Statement]:
    """Everything that an analysis found, image by image in the order of the findings. `prefix` names the series."""
    images = sorted({getattr(finding, "source_index", 0) for finding in analysis.findings})
    said = False
    for image in images:
        letter = phrases.image_prefix.format(letter=letter_of(image)) if len(images) > 1 else ""
        for statement in _of_image(analysis, image, phrases, prefix + letter):
            said = True
            yield statement
    if not said:
        evidence = tuple((analysis.workitem.uid, index) for index in range(len(analysis.findings)))
        generated = any(isinstance(finding, Narrative) for finding in analysis.findings)
        text = phrases.generated_text if generated else phrases.no_statement
        name = prefix + phrases.package(analysis.workitem.package)
        yield Statement(finding=Sentence(text=phrases.statement.format(name=name, text=text), evidence=evidence))


def letter_of(position: int) -> str:
    """A, B, ... Z, AA, AB, ..."""
    first, last = divmod(position, 26)
    return (letter_of(first - 1) if first else "") + chr(ord("A") + last)


def _of_image(analysis: Analysis, image: int, phrases: Phrases, prefix: str) -> Iterator[Statement]:
    here = {i: f for i, f in enumerate(analysis.findings) if getattr(f, "source_index", 0) == image}
    uid = analysis.workitem.uid
    segments = [(i, f) for i, f in here.items() if isinstance(f, Segment)]
    for index, segment in segments:
        for finding, impression in segment_statements(uid, index, segment, here, phrases, prefix):
            yield Statement(finding=finding, impression=impression)
    for index, item in here.items():
        if isinstance(item, Measurement) and item.segment is None and item.concept not in TECHNICAL:
            yield _number(uid, index, item, phrases, prefix)
        elif isinstance(item, Evaluation) and item.concept not in FLAGS:
            yield from _evaluation(uid, index, item, here, phrases, prefix)


def _number(uid: str, index: int, item: Measurement, phrases: Phrases, prefix: str) -> Statement:
    name = phrases.names.get(item.concept, item.concept.meaning)
    if item.concept == codes.LEFT_RIGHT_RATIO:
        name = phrases.ratio_of_areas if item.method == codes.AREA else phrases.ratio_of_volumes
    text = phrases.generic_number.format(value=phrases.quantity(item.value, item.unit))
    return Statement(finding=_sentence(phrases, prefix + name, text, Outcome.INFORMATIVE, ((uid, index),)))


def _evaluation(
    uid: str, index: int, item: Evaluation, here: Mapping[int, object], phrases: Phrases, prefix: str
) -> Iterator[Statement]:
    if item.concept in (codes.BURNT_IN_NAME, codes.BURNT_IN_DATE) and _no_text(here):
        return
    technical = [i for i, f in here.items() if isinstance(f, Measurement) and f.concept in TECHNICAL]
    evidence = ((uid, index), *((uid, i) for i in technical if _belongs(item, here[i])))
    name = prefix + phrases.name(item.concept)
    text = _said_of(item, [here[i] for _, i in evidence[1:]], phrases)
    sentence = _sentence(phrases, name, text, item.outcome, evidence)
    absent = item.value == ABSENT and item.concept != codes.MODALITY_CONTRADICTED
    listed = absent and item.concept not in BURNT_IN  # of no interest to a clinical conclusion
    matters = item.outcome in (Outcome.POSITIVE, Outcome.LIMITED) and not absent
    said_again = matters and item.concept != codes.BURNT_IN_TEXT  # what kind of text it is says more
    yield Statement(finding=sentence, impression=sentence if said_again else None, absent=name if listed else "")


def _no_text(here: Mapping[int, object]) -> bool:
    """Without any text, "no text" says that there is no name and no date in it either."""
    return any(
        isinstance(f, Evaluation) and (f.concept, f.value) == (codes.BURNT_IN_TEXT, ABSENT) for f in here.values()
    )


def _belongs(item: Evaluation, number: object) -> bool:
    pairs = {
        codes.IMAGE_QUALITY: codes.QUALITY_SCORE,
        codes.BURNT_IN_TEXT: codes.TEXT_REGION_COUNT,
    }
    return isinstance(number, Measurement) and pairs.get(item.concept) == number.concept and item.value != ABSENT


def _said_of(item: Evaluation, numbers: list[object], phrases: Phrases) -> str:
    number = next((n for n in numbers if isinstance(n, Measurement)), None)
    if item.concept == codes.IMAGE_QUALITY:
        score = f" ({phrases.number(number.value, 2)})" if number is not None else ""
        return _quality(item.value, phrases).format(score=score)
    if item.concept == codes.MODALITY_CONTRADICTED:
        if item.value == UNDETERMINED:
            return phrases.modality_undetermined
        return phrases.modality_contradicted if item.value == PRESENT else phrases.modality_agrees
    if item.concept == codes.BURNT_IN_TEXT and item.value == PRESENT and number is not None:
        return phrases.text_found.format(count=phrases.number(number.value, 0))
    return _value_word(item.value, phrases) + _probability(item, phrases)


def _quality(value: CodedConcept, phrases: Phrases) -> str:
    if value == codes.DIAGNOSTIC_QUALITY:
        return phrases.quality_diagnostic
    return phrases.quality_limited if value == codes.LIMITED_QUALITY else phrases.quality_undetermined


def _value_word(value: CodedConcept, phrases: Phrases) -> str:
    if value == PRESENT:
        return phrases.found
    if value == ABSENT:
        return phrases.not_found
    return phrases.values.get(value, value.meaning)


def _probability(item: Evaluation, phrases: Phrases) -> str:
    if item.probability is None or item.operating_point is None:
        return ""
    return phrases.with_probability.format(
        probability=phrases.quantity(100 * item.probability, PERCENT),
        threshold=phrases.quantity(100 * item.operating_point.threshold, PERCENT),
    )


def _sentence(
    phrases: Phrases, name: str, text: str, outcome: Outcome, evidence: tuple[tuple[str, int], ...]
) -> Sentence:
    return Sentence(text=phrases.statement.format(name=name, text=text), outcome=outcome, evidence=evidence)
