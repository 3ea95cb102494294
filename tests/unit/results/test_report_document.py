from dataclasses import replace
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread

from appliance.domain.dicom_result import ResultKind
from appliance.domain.finding import Narrative, Outcome, Sentence
from appliance.domain.workitem import Analysis
from appliance.results import ReportedAnalysis, build_report, build_results
from tests.helpers.dicom_builder import blob_phantom
from tests.helpers.findings import DEVICE, analysis_of, findings_in_volume, package, stack_images, workitem_for

IMAGES = stack_images(blob_phantom())
ANALYSIS = analysis_of(IMAGES, findings_in_volume(IMAGES.sources[0]))
SEG, SR = build_results(ANALYSIS, IMAGES, package(), DEVICE)
REPORTED = ReportedAnalysis(analysis=ANALYSIS, package=package(), results=(SEG, SR))
UID = ANALYSIS.workitem.uid
GERMAN = Narrative(
    language="de",
    title="CT-Befundentwurf",
    findings=(
        Sentence(
            text="Leber: 0,1 ml, größter Durchmesser 0,3 mm.", evidence=((UID, 2), (UID, 4)), outcome=Outcome.POSITIVE
        ),
        Sentence(text="Milz nicht abgebildet.", evidence=((UID, 1),)),
        Sentence(text="Übriger Befund unauffällig."),
    ),
    impression=(Sentence(text="Leber angeschnitten.", evidence=((UID, 5),), outcome=Outcome.LIMITED),),
)


def report(narrative: Narrative, *reported: ReportedAnalysis) -> Dataset:
    results = build_report(narrative, reported, IMAGES.headers, DEVICE, workitem_for(IMAGES, "report"))
    assert [item.kind for item in results] == [ResultKind.REPORT, ResultKind.PDF]
    return dcmread(BytesIO(results[0].content))


def section(document: Dataset, code: str) -> list[Dataset]:
    container = next(i for i in document.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == code)
    return list(container.ContentSequence)


def test_sentences_rest_on_numbers_segments_and_the_sr() -> None:
    document = report(GERMAN, REPORTED)
    first, second, third = section(document, "121070")
    assert first.TextValue == GERMAN.findings[0].text
    assert [item.ValueType for item in first.ContentSequence] == ["NUM", "IMAGE", "COMPOSITE", "NUM"]
    assert all(item.RelationshipType == "INFERRED FROM" for item in first.ContentSequence)
    segment = first.ContentSequence[1].ReferencedSOPSequence[0]
    assert (segment.ReferencedSOPInstanceUID, segment.ReferencedSegmentNumber) == (SEG.sop_instance_uid, 1)
    # an empty segment is in no SEG; its coded negative is in the SR
    assert [item.ValueType for item in second.ContentSequence] == ["COMPOSITE"]
    assert "ContentSequence" not in third
    assert third.TextValue == "Übriger Befund unauffällig. [ohne Messung als Beleg]"
    (impression,) = section(document, "121072")
    assert [item.ValueType for item in impression.ContentSequence] == ["CODE", "IMAGE", "COMPOSITE"]


def test_segments_are_found_when_the_masks_are_gone() -> None:
    forgetful: Analysis = replace(
        ANALYSIS,
        findings=tuple(replace(f, mask=f.mask[:0]) if hasattr(f, "mask") else f for f in ANALYSIS.findings),
    )
    document = report(GERMAN, replace(REPORTED, analysis=forgetful))
    assert [item.ValueType for item in section(document, "121070")[0].ContentSequence] == [
        "NUM",
        "IMAGE",
        "COMPOSITE",
        "NUM",
    ]


def test_the_head_says_who_wrote_it_and_that_nobody_checked() -> None:
    document = report(GERMAN, REPORTED)
    assert document.ConceptNameCodeSequence[0].CodeValue == "18748-4"
    assert document.ContentTemplateSequence[0].TemplateIdentifier == "2000"
    assert (document.VerificationFlag, document.PreliminaryFlag, document.CompletionFlag) == (
        "UNVERIFIED",
        "PRELIMINARY",
        "PARTIAL",
    )
    language = document.ContentSequence[0]
    assert language.ConceptCodeSequence[0].CodeValue == "de"
    technique = [item.TextValue for item in section(document, "121064")]
    assert technique[0] == "KI-ENTWURF. NICHT ÄRZTLICH GEPRÜFT."
    assert "ct-liver 1.2.0" in technique[1]


def test_evidence_lists_images_and_results() -> None:
    document = report(GERMAN, REPORTED)
    listed = {
        instance.ReferencedSOPInstanceUID
        for study in document.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    assert listed == {SEG.sop_instance_uid, SR.sop_instance_uid, *(h.SOPInstanceUID for h in IMAGES.headers)}


@pytest.mark.parametrize("evidence", [(("2.25.404", 0),), ((UID, 999),)])
def test_evidence_that_does_not_exist_counts_as_none(evidence) -> None:
    narrative = replace(GERMAN, language="en", findings=(Sentence(text="Claim.", evidence=evidence),))
    (sentence,) = section(report(narrative, REPORTED), "121070")
    assert sentence.TextValue == "Claim. [no measurement behind this sentence]"


def test_a_section_without_sentences_says_so() -> None:
    (sentence,) = section(report(replace(GERMAN, impression=()), REPORTED), "121072")
    assert sentence.TextValue == "Keine Aussage."
