"""Analyses of a study whose findings are chosen one by one, to write and check reports about."""

from datetime import UTC, datetime

import numpy as np

from appliance.domain.coding import (
    ABSENT,
    HOUNSFIELD_UNIT,
    LEFT,
    MILLILITRE,
    MILLIMETRE,
    NO_UNITS,
    ORGAN,
    PRESENT,
    RATIO,
    RIGHT,
    SQUARE_CENTIMETRE,
    UNDETERMINED,
    CodedConcept,
)
from appliance.domain.finding import (
    Evaluation,
    Finding,
    Measurement,
    Narrative,
    OperatingPoint,
    Outcome,
    Segment,
    Sentence,
)
from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID, WorkitemUID, derived_uid
from appliance.domain.workitem import Analysis, Workitem
from appliance.findings import codes

NODULE = CodedConcept("27925004", "SCT", "Nodule")
POINT = OperatingPoint(name="default", threshold=0.5)
MASK = np.ones((1, 1), dtype=bool)


def analysis(package: str, *findings: Finding, series: str = "1", stopped: str | None = None) -> Analysis:
    """What `package` found on one series of the study."""
    workitem = Workitem(
        uid=WorkitemUID(derived_uid("test-report", package, series)),
        study_instance_uid=StudyInstanceUID("1.2"),
        series_instance_uid=SeriesInstanceUID(f"1.2.{series}"),
        package=package,
        version="1.0.0",
        sop_instance_uids=(),
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    return Analysis(workitem=workitem, findings=findings, stopped=stopped)


def segment(structure: CodedConcept, number: int = 1, side: CodedConcept | None = None, image: int = 0) -> Segment:
    """A region of a structure."""
    return Segment(
        number=number,
        label=structure.meaning,
        category=ORGAN,
        property_type=structure,
        modifier=side,
        mask=MASK,
        source_index=image,
    )


def liver(*, ml: float = 1362.4, cut: bool = False) -> Analysis:
    """A liver with volume, attenuation and extent, perhaps cut at the head end."""
    flag = PRESENT if cut else ABSENT
    return analysis(
        "ct-liver",
        segment(codes.LIVER),
        Measurement(concept=codes.VOLUME, value=ml, unit=MILLILITRE, segment=1),
        Measurement(
            concept=codes.ATTENUATION_COEFFICIENT, value=104.6, unit=HOUNSFIELD_UNIT, segment=1, derivation=codes.MEAN
        ),
        Measurement(
            concept=codes.ATTENUATION_COEFFICIENT,
            value=21.2,
            unit=HOUNSFIELD_UNIT,
            segment=1,
            derivation=codes.STANDARD_DEVIATION,
        ),
        Measurement(concept=codes.LONG_AXIS, value=201.3, unit=MILLIMETRE, segment=1),
        Measurement(concept=codes.PERPENDICULAR_AXIS, value=152.8, unit=MILLIMETRE, segment=1),
        Evaluation(
            concept=codes.ANATOMY_COVERAGE_INCOMPLETE,
            value=flag,
            outcome=Outcome.LIMITED if cut else Outcome.NEGATIVE,
            segment=1,
            explanation="H" if cut else "",
        ),
    )


def lungs(*, left: float = 310.0, right: float = 355.0) -> Analysis:
    """Both lungs with their areas and the ratio of them."""
    return analysis(
        "cxr-lungs",
        segment(codes.LUNG, 1, RIGHT),
        segment(codes.LUNG, 2, LEFT),
        Measurement(concept=codes.AREA, value=right, unit=SQUARE_CENTIMETRE, segment=1, method=codes.AT_DETECTOR),
        Measurement(concept=codes.AREA, value=left, unit=SQUARE_CENTIMETRE, segment=2, method=codes.AT_DETECTOR),
        Measurement(concept=codes.LEFT_RIGHT_RATIO, value=left / right, unit=RATIO, method=codes.AREA),
    )


def nodule(probability: float) -> Analysis:
    """A classifier's opinion on a nodule."""
    present = probability >= POINT.threshold
    return analysis(
        "nodules",
        Evaluation(
            concept=NODULE,
            value=PRESENT if present else ABSENT,
            outcome=Outcome.POSITIVE if present else Outcome.NEGATIVE,
            probability=probability,
            operating_point=POINT,
        ),
    )


def quality(score: float) -> Analysis:
    """A quality check; between 0.25 and 0.5 it does not know."""
    value, outcome = codes.LIMITED_QUALITY, Outcome.LIMITED
    if score >= 0.25:
        value, outcome = UNDETERMINED, Outcome.LIMITED
    if score >= 0.5:
        value, outcome = codes.DIAGNOSTIC_QUALITY, Outcome.NEGATIVE
    return analysis(
        "mr-motion",
        Evaluation(concept=codes.IMAGE_QUALITY, value=value, outcome=outcome, operating_point=POINT),
        Measurement(concept=codes.QUALITY_SCORE, value=score, unit=NO_UNITS),
    )


def absent(structure: CodedConcept, package: str = "mr-brain") -> Analysis:
    """A structure that was looked for and not found."""
    return analysis(package, Evaluation(concept=structure, value=ABSENT, outcome=Outcome.NEGATIVE))


def free(*texts: str, language: str = "en") -> Narrative:
    """A text that a network wrote, without evidence."""
    sentences = tuple(Sentence(text=text) for text in texts)
    return Narrative(language=language, title="", findings=sentences, impression=(), generator="neural")
