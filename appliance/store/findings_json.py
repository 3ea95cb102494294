"""Findings to JSON and back. Masks stay out: the SEG object holds them, and the ledger stays small.

A segment read back has an empty mask. Everything else returns equal, meanings of codes included.
"""

import math
from collections.abc import Callable
from typing import Any, assert_never

import numpy as np

from appliance.domain.coding import CodedConcept
from appliance.domain.errors import ResultRefused
from appliance.domain.finding import (
    Evaluation,
    Finding,
    Measurement,
    Narrative,
    OperatingPoint,
    Outcome,
    Region,
    Segment,
    Sentence,
)
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import FrameReference

Json = dict[str, Any]


def to_json(finding: Finding) -> Json:
    """A finding as JSON values. Raises ResultRefused for a number that is not finite, which JSON cannot say."""
    match finding:
        case Segment():
            return _segment(finding)
        case Measurement():
            return _measurement(finding)
        case Evaluation():
            return _evaluation(finding)
        case Region():
            return _region(finding)
        case Narrative():
            return _narrative(finding)
        case _:
            assert_never(finding)


def from_json(value: Json) -> Finding:
    """The finding that `to_json` made `value` of; KeyError or ValueError for anything else."""
    return _READERS[value["finding"]](value)


def _code(concept: CodedConcept | None) -> list[str] | None:
    return None if concept is None else [concept.value, concept.scheme_designator, concept.meaning]


def _read_code(value: list[str]) -> CodedConcept:
    return CodedConcept(*value)


def _read_optional_code(value: list[str] | None) -> CodedConcept | None:
    return None if value is None else CodedConcept(*value)


def _number(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise ResultRefused("a finding holds a number that is not finite")
    return None if value is None else float(value)


def _segment(finding: Segment) -> Json:
    return {
        "finding": "segment",
        "number": finding.number,
        "label": finding.label,
        "category": _code(finding.category),
        "property_type": _code(finding.property_type),
        "modifier": _code(finding.modifier),
        "colour": list(finding.colour),
        "tracking_id": finding.tracking_id,
        "source_index": finding.source_index,
    }


def _read_segment(value: Json) -> Segment:
    red, green, blue = value["colour"]
    return Segment(
        number=value["number"],
        label=value["label"],
        category=_read_code(value["category"]),
        property_type=_read_code(value["property_type"]),
        modifier=_read_optional_code(value["modifier"]),
        colour=(red, green, blue),
        tracking_id=value["tracking_id"],
        source_index=value["source_index"],
        mask=np.zeros(0, dtype=np.bool_),
    )


def _measurement(finding: Measurement) -> Json:
    return {
        "finding": "measurement",
        "concept": _code(finding.concept),
        "value": _number(finding.value),
        "unit": _code(finding.unit),
        "segment": finding.segment,
        "derivation": _code(finding.derivation),
        "method": _code(finding.method),
        "source_index": finding.source_index,
    }


def _read_measurement(value: Json) -> Measurement:
    return Measurement(
        concept=_read_code(value["concept"]),
        value=value["value"],
        unit=_read_code(value["unit"]),
        segment=value["segment"],
        derivation=_read_optional_code(value["derivation"]),
        method=_read_optional_code(value["method"]),
        source_index=value["source_index"],
    )


def _evaluation(finding: Evaluation) -> Json:
    point = finding.operating_point
    return {
        "finding": "evaluation",
        "concept": _code(finding.concept),
        "value": _code(finding.value),
        "outcome": finding.outcome.value,
        "probability": _number(finding.probability),
        "operating_point": point
        and [point.name, _number(point.threshold), _number(point.sensitivity), _number(point.specificity)],
        "segment": finding.segment,
        "explanation": finding.explanation,
        "source_index": finding.source_index,
    }


def _read_evaluation(value: Json) -> Evaluation:
    point = value["operating_point"]
    return Evaluation(
        concept=_read_code(value["concept"]),
        value=_read_code(value["value"]),
        outcome=Outcome(value["outcome"]),
        probability=value["probability"],
        operating_point=None
        if point is None
        else OperatingPoint(name=point[0], threshold=point[1], sensitivity=point[2], specificity=point[3]),
        segment=value["segment"],
        explanation=value["explanation"],
        source_index=value["source_index"],
    )


def _region(finding: Region) -> Json:
    return {
        "finding": "region",
        "concept": _code(finding.concept),
        "frame": [finding.frame.sop_instance_uid, finding.frame.sop_class_uid, finding.frame.frame_number],
        "polygon": [[_number(column), _number(row)] for column, row in finding.polygon],
        "probability": _number(finding.probability),
        "tracking_id": finding.tracking_id,
        "text": finding.text,
        "source_index": finding.source_index,
    }


def _read_region(value: Json) -> Region:
    sop_instance_uid, sop_class_uid, frame_number = value["frame"]
    return Region(
        concept=_read_code(value["concept"]),
        frame=FrameReference(SOPInstanceUID(sop_instance_uid), sop_class_uid, frame_number),
        polygon=tuple((column, row) for column, row in value["polygon"]),
        probability=value["probability"],
        tracking_id=value["tracking_id"],
        text=value["text"],
        source_index=value["source_index"],
    )


def _narrative(finding: Narrative) -> Json:
    return {
        "finding": "narrative",
        "language": finding.language,
        "title": finding.title,
        "findings": [_sentence(sentence) for sentence in finding.findings],
        "impression": [_sentence(sentence) for sentence in finding.impression],
        "generator": finding.generator,
    }


def _read_narrative(value: Json) -> Narrative:
    return Narrative(
        language=value["language"],
        title=value["title"],
        findings=tuple(_read_sentence(sentence) for sentence in value["findings"]),
        impression=tuple(_read_sentence(sentence) for sentence in value["impression"]),
        generator=value["generator"],
    )


def _sentence(sentence: Sentence) -> list[Any]:
    return [sentence.text, sentence.outcome.value, [list(reference) for reference in sentence.evidence]]


def _read_sentence(value: list[Any]) -> Sentence:
    text, outcome, evidence = value
    return Sentence(text=text, outcome=Outcome(outcome), evidence=tuple((uid, index) for uid, index in evidence))


_READERS: dict[str, Callable[[Json], Finding]] = {
    "segment": _read_segment,
    "measurement": _read_measurement,
    "evaluation": _read_evaluation,
    "region": _read_region,
    "narrative": _read_narrative,
}
