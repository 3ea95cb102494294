"""What a report may rest on: analyses with the objects that hold their evidence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import assert_never

from pydicom import Dataset, dcmread

from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.finding import Evaluation, Finding, Measurement, Narrative, Region, Segment, Sentence
from appliance.domain.identifiers import WorkitemUID
from appliance.domain.model_package import ModelPackage
from appliance.domain.workitem import Analysis
from appliance.results.codes import MEASUREMENT_REPORT, REFERENCED_SEGMENT, SOURCE_OF_MEASUREMENT
from appliance.results.content_items import inferred_from_evaluation, inferred_from_number, reference
from appliance.results.grouping import segment_tracking


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReportedAnalysis:
    """One analysis of the study and its stored results. Masks of its segments may be gone by now."""

    analysis: Analysis
    package: ModelPackage
    results: tuple[DicomResult, ...] = field(default=(), repr=False)

    def result(self, kind: ResultKind) -> DicomResult | None:
        """The first result of that kind."""
        return next((item for item in self.results if item.kind is kind), None)


class Evidence:
    """Finds what a sentence rests on."""

    def __init__(self, analyses: Sequence[ReportedAnalysis]) -> None:
        self._analyses = {item.analysis.workitem.uid: item for item in analyses}
        self._segments = {uid: stored_segments(item.results) for uid, item in self._analyses.items()}

    def of(self, sentence: Sentence) -> list[Dataset]:
        """INFERRED FROM items of the sentence: numbers, codes, images and the SR that holds them; each once."""
        items: list[Dataset] = []
        for uid, index in sentence.evidence:
            reported = self._analyses.get(WorkitemUID(uid))
            if reported is None or index >= len(reported.analysis.findings):
                continue
            for item in (*self._of_finding(reported, reported.analysis.findings[index]), *_document(reported)):
                if item not in items:
                    items.append(item)
        return items

    def _of_finding(self, reported: ReportedAnalysis, finding: Finding) -> Iterator[Dataset]:
        match finding:
            case Measurement():
                yield inferred_from_number(finding)
                yield from self._segment(reported, finding.source_index, finding.segment)
            case Evaluation():
                yield inferred_from_evaluation(finding)
                yield from self._segment(reported, finding.source_index, finding.segment)
            case Segment():
                yield from self._segment(reported, finding.source_index, finding.number)
            case Region(frame=frame):
                yield reference(
                    "IMAGE",
                    SOURCE_OF_MEASUREMENT,
                    frame.sop_class_uid,
                    frame.sop_instance_uid,
                    frames=() if frame.frame_number is None else (frame.frame_number,),
                )
            case Narrative():
                return
            case _:
                assert_never(finding)

    def _segment(self, reported: ReportedAnalysis, source_index: int, number: int | None) -> Iterator[Dataset]:
        for finding in reported.analysis.findings:
            if isinstance(finding, Segment) and (finding.source_index, finding.number) == (source_index, number):
                _, tracking_uid = segment_tracking(reported.analysis.workitem, finding)
                stored = self._segments[reported.analysis.workitem.uid].get(tracking_uid)
                if stored is not None:
                    result, segment = stored
                    yield reference(
                        "IMAGE", REFERENCED_SEGMENT, result.sop_class_uid, result.sop_instance_uid, segment=segment
                    )


def stored_segments(results: Sequence[DicomResult]) -> Mapping[str, tuple[DicomResult, int]]:
    """Tracking UID -> (SEG, Segment Number), as the SEG objects themselves say."""
    found = {}
    for result in results:
        if result.kind is ResultKind.SEG:
            dataset = dcmread(BytesIO(result.content), specific_tags=["SegmentSequence"])
            for item in dataset.SegmentSequence:
                if "TrackingUID" in item:
                    found[str(item.TrackingUID)] = (result, int(item.SegmentNumber))
    return found


def _document(reported: ReportedAnalysis) -> Iterator[Dataset]:
    report = reported.result(ResultKind.SR)
    if report is not None:
        yield reference("COMPOSITE", MEASUREMENT_REPORT, report.sop_class_uid, report.sop_instance_uid)
