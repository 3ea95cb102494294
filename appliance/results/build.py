"""Findings to result objects: the entrance of this package, but for the picture of a summary (`summary`).

    build_results(analysis, images, package, device, options=...)      -> SEG, SR (and REPORT, PDF) of one analysis
    build_report(narrative, reported, headers, device, workitem, ...)  -> REPORT, PDF of a study

Every object has been encoded, read again and compared before it is handed out. The same workitem gives the same bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, assert_never

from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from appliance.domain.dicom_result import DeviceIdentity, DicomResult, ResultKind
from appliance.domain.errors import ResultRefused
from appliance.domain.finding import Evaluation, Finding, Measurement, Narrative, Region, Segment
from appliance.domain.image import SeriesImages
from appliance.domain.model_package import ModelPackage
from appliance.domain.workitem import Analysis, Workitem
from appliance.results import readback
from appliance.results.encapsulated_pdf import build_encapsulated_pdf
from appliance.results.encoding import as_result, encode, guarded
from appliance.results.grouping import FindingGroup, group_findings, segment_tracking
from appliance.results.measurement_report import build_measurement_report
from appliance.results.options import DEFAULT_OPTIONS, ResultOptions
from appliance.results.plain_text import measurements_text, report_text
from appliance.results.report_document import build_report_document, packages_of
from appliance.results.reported import Evidence, ReportedAnalysis
from appliance.results.segmentation import SegmentationObject, build_segmentations, effective


def build_results(
    analysis: Analysis,
    images: SeriesImages,
    package: ModelPackage,
    device: DeviceIdentity,
    *,
    options: ResultOptions = DEFAULT_OPTIONS,
) -> tuple[DicomResult, ...]:
    """The result objects of one analysis, of the kinds that `package.results` names: SEG before the SR that refers to
    it, then reports.

    images: the images that the findings index into; their headers are what the results refer to.
    Raises ResultRefused when the findings cannot be said in DICOM, contradict the headers, or do not survive read-back.
    """
    kinds = {ResultKind(name) for name in package.results}
    said = {kind for finding in analysis.findings for kind in _kinds_of(finding)}
    _check_study(analysis.workitem, images.headers)
    if not said & kinds:
        raise ResultRefused("nothing was found, not even a coded negative", where=package.identity)
    results: tuple[DicomResult, ...] = ()
    segmentations: tuple[SegmentationObject, ...] = ()
    segments = [item for item in analysis.findings if isinstance(item, Segment)] if ResultKind.SEG in kinds else []
    options = effective(options, segments)
    groups = guarded(lambda: group_findings(analysis.findings, analysis.workitem))
    if segments:
        segmentations = guarded(
            lambda: build_segmentations(segments, analysis.workitem, images, package, device, options)
        )
        results += tuple(_segmentation_result(item, analysis.workitem, images) for item in segmentations)
    if ResultKind.SR in kinds & said:
        results += (_measurements_result(groups, analysis.workitem, images, package, device, segmentations, options),)
    for finding in analysis.findings:
        if isinstance(finding, Narrative):
            reported = ReportedAnalysis(analysis=analysis, package=package, results=results)
            documents = build_report(finding, (reported,), images.headers, device, analysis.workitem, options=options)
            results += tuple(item for item in documents if item.kind in kinds)
    return results


def build_report(
    narrative: Narrative,
    analyses: Sequence[ReportedAnalysis],
    headers: Sequence[Any],
    device: DeviceIdentity,
    workitem: Workitem,
    *,
    options: ResultOptions = DEFAULT_OPTIONS,
) -> tuple[DicomResult, ...]:
    """The report of a study: a TID 2000 SR (its `text` is the report as plain text) and the same as Encapsulated PDF.

    analyses: those that `narrative` cites, with their stored results. headers: at least one pydicom dataset of the
    study; all of them are listed as evidence. Raises ResultRefused as `build_results`.
    """
    if not headers:
        raise ResultRefused("a report needs the header of an image of its study")
    _check_study(workitem, headers)
    document = guarded(lambda: build_report_document(narrative, analyses, headers, device, workitem, options))
    evidence = Evidence(analyses)
    text = report_text(narrative, packages_of(analyses), lambda sentence: bool(evidence.of(sentence)))
    pdf = guarded(lambda: build_encapsulated_pdf(narrative, analyses, headers, device, workitem, options))
    file = bytes(pdf.EncapsulatedDocument)[: pdf.EncapsulatedDocumentLength]
    return (
        _result(
            document,
            ResultKind.REPORT,
            workitem,
            lambda content: readback.check_report_document(content, narrative),
            text=text,
        ),
        _result(pdf, ResultKind.PDF, workitem, lambda content: readback.check_document_file(content, file), text=text),
    )


def _kinds_of(finding: Finding) -> Iterator[ResultKind]:
    """The kinds of object that can say a finding."""
    match finding:
        case Segment():
            yield from (ResultKind.SEG, ResultKind.SR)
        case Measurement() | Evaluation() | Region():
            yield ResultKind.SR
        case Narrative():
            yield from (ResultKind.REPORT, ResultKind.PDF)
        case _:
            assert_never(finding)


def _segmentation_result(item: SegmentationObject, workitem: Workitem, images: SeriesImages) -> DicomResult:
    tracking = [segment_tracking(workitem, segment)[1] for segment in item.segments]
    source = images.sources[item.source_index]
    return _result(
        item.dataset,
        ResultKind.SEG,
        workitem,
        lambda content: readback.check_segmentation(content, item.segments, tracking, source),
        transfer_syntax=item.transfer_syntax_uid,
    )


def _measurements_result(
    groups: Sequence[FindingGroup],
    workitem: Workitem,
    images: SeriesImages,
    package: ModelPackage,
    device: DeviceIdentity,
    segmentations: Sequence[SegmentationObject],
    options: ResultOptions,
) -> DicomResult:
    dataset = guarded(
        lambda: build_measurement_report(groups, workitem, images, package, device, segmentations, options)
    )
    return _result(
        dataset,
        ResultKind.SR,
        workitem,
        lambda content: readback.check_measurement_report(content, groups),
        text=measurements_text(groups, package),
    )


def _result(
    dataset: Dataset,
    kind: ResultKind,
    workitem: Workitem,
    check: Callable[[bytes], None],
    *,
    transfer_syntax: str = ExplicitVRLittleEndian,
    text: str = "",
) -> DicomResult:
    content = guarded(lambda: encode(dataset, transfer_syntax))
    guarded(lambda: check(content))
    return as_result(dataset, content, kind=kind, workitem=workitem.uid, text=text)


def _check_study(workitem: Workitem, headers: Sequence[Dataset]) -> None:
    if any(str(header.StudyInstanceUID) != workitem.study_instance_uid for header in headers):
        raise ResultRefused("the images belong to another study than the workitem", where=workitem.uid)
