from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread

from appliance.domain.coding import ABSENT
from appliance.domain.dicom_result import ResultKind
from appliance.domain.errors import ResultRefused
from appliance.domain.finding import Evaluation, Narrative, Outcome, Sentence
from appliance.domain.identifiers import StudyInstanceUID
from appliance.results import DocumentReference, ReportedAnalysis, ResultOptions, build_report, build_results
from tests.helpers.dicom_builder import blob_phantom
from tests.helpers.findings import (
    DEVICE,
    SPLEEN,
    analysis_of,
    findings_in_image,
    findings_in_volume,
    package,
    planar_images,
    segment,
    stack_images,
    workitem_for,
)

STACK = stack_images(blob_phantom())
FINDINGS = findings_in_volume(STACK.sources[0])
ANALYSIS = analysis_of(STACK, FINDINGS)
RESULTS = build_results(ANALYSIS, STACK, package(), DEVICE)
NARRATIVE = Narrative(
    language="en",
    title="CT report",
    findings=(Sentence(text="The liver measures 0 ml.", evidence=((ANALYSIS.workitem.uid, 2),)),),
    impression=(Sentence(text="Normal."),),
)


def test_a_second_run_gives_the_same_bytes() -> None:
    again = build_results(ANALYSIS, STACK, package(), DEVICE)
    assert [item.content for item in again] == [item.content for item in RESULTS]
    reported = (ReportedAnalysis(analysis=ANALYSIS, package=package(), results=RESULTS),)
    reports = [
        build_report(NARRATIVE, reported, STACK.headers, DEVICE, workitem_for(STACK, "report")) for _ in range(2)
    ]
    assert [item.content for item in reports[0]] == [item.content for item in reports[1]]


def test_another_workitem_gives_other_objects() -> None:
    other = build_results(analysis_of(STACK, FINDINGS, "other"), STACK, package(), DEVICE)
    assert {item.sop_instance_uid for item in other}.isdisjoint(item.sop_instance_uid for item in RESULTS)


def test_the_sr_refers_to_the_segments_by_tracking_uid() -> None:
    seg, report = (dcmread(BytesIO(item.content)) for item in RESULTS)
    tracked = {item.TrackingUID for item in seg.SegmentSequence}
    assert tracked
    assert all(f"{uid}".encode() in RESULTS[1].content for uid in tracked)
    evidence = [
        instance.ReferencedSOPInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    ]
    assert seg.SOPInstanceUID in evidence
    assert len(evidence) == len(STACK.headers) + 1


def test_documents_are_unverified_and_preliminary() -> None:
    report = dcmread(BytesIO(RESULTS[1].content))
    assert (report.VerificationFlag, report.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert "AI, unverified" in report.SeriesDescription
    assert "Spleen: Absent" in RESULTS[1].text


@pytest.mark.parametrize(
    ("kinds", "expected"), [(("SR",), ["SR"]), (("SEG",), ["SEG"]), (("SEG", "SR"), ["SEG", "SR"])]
)
def test_the_package_says_which_kinds_are_made(kinds, expected) -> None:
    assert [item.kind for item in build_results(ANALYSIS, STACK, package(kinds), DEVICE)] == expected


def test_an_empty_segmentation_is_a_coded_negative_and_no_seg() -> None:
    empty = segment(np.zeros(STACK.sources[0].voxels.shape, bool), 1, "Spleen", SPLEEN)
    (report,) = build_results(analysis_of(STACK, (empty,)), STACK, package(), DEVICE)
    assert report.kind is ResultKind.SR
    assert "Absent" in report.text


def test_recognised_text_stays_out_of_every_object() -> None:
    images = planar_images()
    findings = findings_in_image(images.sources[0])
    assert any("SECRET" in getattr(item, "text", "") for item in findings)
    results = build_results(analysis_of(images, findings), images, package(), DEVICE)
    assert all(b"SECRET" not in item.content and "SECRET" not in item.text for item in results)


def test_a_narrative_of_a_model_becomes_a_report() -> None:
    findings = (NARRATIVE,)
    results = build_results(analysis_of(STACK, findings), STACK, package(("REPORT",)), DEVICE)
    assert [item.kind for item in results] == [ResultKind.REPORT]
    assert "[no measurement behind this sentence]" in results[0].text


def test_predecessors_are_named() -> None:
    options = ResultOptions(predecessors=(DocumentReference.to(RESULTS[1]),))
    newer = build_results(analysis_of(STACK, FINDINGS, "late slices"), STACK, package(), DEVICE, options=options)[1]
    (study,) = dcmread(BytesIO(newer.content)).PredecessorDocumentsSequence
    reference = study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == RESULTS[1].sop_instance_uid


def test_silence_is_refused() -> None:
    with pytest.raises(ResultRefused):
        build_results(analysis_of(STACK, ()), STACK, package(), DEVICE)


def test_images_of_another_study_are_refused() -> None:
    foreign = replace(ANALYSIS.workitem, study_instance_uid=StudyInstanceUID("1.2.3"))
    with pytest.raises(ResultRefused):
        build_results(replace(ANALYSIS, workitem=foreign), STACK, package(), DEVICE)
    with pytest.raises(ResultRefused):
        build_report(NARRATIVE, (), STACK.headers, DEVICE, foreign)


def test_what_the_encoder_rejects_is_a_refused_result_without_its_message() -> None:
    wrong = segment(np.ones((2, 3, 4), bool))
    with pytest.raises(ResultRefused) as refusal:
        build_results(analysis_of(STACK, (wrong,)), STACK, package(), DEVICE)
    assert "ValueError" in str(refusal.value)


def test_a_report_needs_a_header() -> None:
    with pytest.raises(ResultRefused):
        build_report(NARRATIVE, (), (), DEVICE, workitem_for(STACK))


def test_a_verdict_alone_is_a_report_of_measurements() -> None:
    verdict = Evaluation(concept=SPLEEN, value=ABSENT, outcome=Outcome.NEGATIVE)
    (report,) = build_results(analysis_of(STACK, (verdict,)), STACK, package(), DEVICE)
    assert report.kind is ResultKind.SR
