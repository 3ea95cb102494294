"""Findings as the measurement groups of an SR: what is said of one segment, one region or the whole image.

The SR is written from these groups, its text too, and the read-back compares the encoded object with them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.domain.coding import ABSENT, NO_UNITS, CodedConcept
from appliance.domain.errors import ResultRefused
from appliance.domain.finding import Evaluation, Finding, Measurement, Outcome, Region, Segment
from appliance.domain.workitem import Workitem
from appliance.results import uids
from appliance.results.codes import PROBABILITY, THRESHOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingGroup:
    """Everything that is said of one subject: a segment, a region, or (neither) the image of `source_index`."""

    tracking_id: str
    tracking_uid: str
    source_index: int
    segment: Segment | None = None
    region: Region | None = None
    evaluations: tuple[Evaluation, ...] = ()
    measurements: tuple[Measurement, ...] = ()

    @property
    def numbers(self) -> tuple[Measurement, ...]:
        """The measurements, and the probabilities and thresholds behind the evaluations, in the order of the SR."""
        region = () if self.region is None else _certainty(self.region.probability, None, self.source_index)
        evaluations = [
            number
            for item in self.evaluations
            for number in _certainty(
                item.probability,
                item.operating_point.threshold if item.operating_point else None,
                self.source_index,
            )
        ]
        return (*self.measurements, *evaluations, *region)


def segment_tracking(workitem: Workitem, segment: Segment) -> tuple[str, str]:
    """(Tracking ID, Tracking UID) of a segment, the same in the SEG and in every SR that measures it."""
    name = segment.tracking_id or segment.label
    return name, uids.tracking_uid(workitem.uid, "segment", segment.source_index, segment.number)


def group_findings(findings: Sequence[Finding], workitem: Workitem) -> tuple[FindingGroup, ...]:
    """Segments first, then evaluations of whole images, then their measurements, then regions.

    Raises ResultRefused for a measurement that is not a finite number.
    """
    _refuse_non_numbers(findings)
    segments = [item for item in findings if isinstance(item, Segment)]
    known = {(item.source_index, item.number) for item in segments}
    free = [item for item in findings if isinstance(item, Measurement | Evaluation) and _subject(item) not in known]
    return (
        *(_of_segment(item, findings, workitem) for item in segments),
        *_of_evaluations([item for item in free if isinstance(item, Evaluation)], workitem),
        *_of_images([item for item in free if isinstance(item, Measurement)], workitem),
        *_of_regions([item for item in findings if isinstance(item, Region)], workitem),
    )


def _of_segment(segment: Segment, findings: Sequence[Finding], workitem: Workitem) -> FindingGroup:
    subject = (segment.source_index, segment.number)
    evaluations = [item for item in findings if isinstance(item, Evaluation) and _subject(item) == subject]
    if not evaluations and not segment.mask.any():
        evaluations = [_absence(segment)]
    tracking_id, tracking_uid = segment_tracking(workitem, segment)
    return FindingGroup(
        tracking_id=tracking_id,
        tracking_uid=tracking_uid,
        source_index=segment.source_index,
        segment=segment,
        evaluations=tuple(evaluations),
        measurements=tuple(i for i in findings if isinstance(i, Measurement) and _subject(i) == subject),
    )


def _of_evaluations(evaluations: Sequence[Evaluation], workitem: Workitem) -> Iterator[FindingGroup]:
    for index, item in enumerate(evaluations):
        yield FindingGroup(
            tracking_id=item.concept.meaning,
            tracking_uid=uids.tracking_uid(workitem.uid, "evaluation", index),
            source_index=item.source_index,
            evaluations=(item,),
        )


def _of_images(measurements: Sequence[Measurement], workitem: Workitem) -> Iterator[FindingGroup]:
    for source_index in sorted({item.source_index for item in measurements}):
        yield FindingGroup(
            tracking_id="Whole image",
            tracking_uid=uids.tracking_uid(workitem.uid, "image", source_index),
            source_index=source_index,
            measurements=tuple(item for item in measurements if item.source_index == source_index),
        )


def _of_regions(regions: Sequence[Region], workitem: Workitem) -> Iterator[FindingGroup]:
    for index, item in enumerate(regions):
        yield FindingGroup(
            tracking_id=item.tracking_id or f"{item.concept.meaning} {index + 1}",
            tracking_uid=uids.tracking_uid(workitem.uid, "region", index),
            source_index=item.source_index,
            region=item,
        )


def _absence(segment: Segment) -> Evaluation:
    """The coded negative of a segment without a voxel: it was looked for and not found."""
    return Evaluation(
        concept=segment.property_type, value=ABSENT, outcome=Outcome.NEGATIVE, source_index=segment.source_index
    )


def _certainty(probability: float | None, threshold: float | None, source_index: int) -> tuple[Measurement, ...]:
    stated: list[tuple[CodedConcept, float]] = []
    if probability is not None:
        stated.append((PROBABILITY, probability))
    if threshold is not None:
        stated.append((THRESHOLD, threshold))
    return tuple(Measurement(concept=c, value=v, unit=NO_UNITS, source_index=source_index) for c, v in stated)


def _subject(item: Measurement | Evaluation) -> tuple[int, int | None]:
    return item.source_index, item.segment


def _refuse_non_numbers(findings: Sequence[Finding]) -> None:
    for item in findings:
        if isinstance(item, Measurement) and not math.isfinite(item.value):
            raise ResultRefused(f"{item.concept.meaning} is not a finite number")
