"""A note names exactly what it rejects, says why, and says who says so."""

from io import BytesIO

import pytest
from pydicom import Dataset, dcmread

from appliance.domain.dicom_result import MANUFACTURER, ResultKind
from appliance.results import build_results, build_superseded_note
from tests.helpers.dicom_builder import blob_phantom
from tests.helpers.findings import DEVICE, analysis_of, findings_in_volume, package, stack_images, workitem_for

STACK = stack_images(blob_phantom())
REJECTED = build_results(analysis_of(STACK, findings_in_volume(STACK.sources[0])), STACK, package(), DEVICE)
NEWER = workitem_for(STACK, "newer")


@pytest.fixture(scope="module")
def note() -> Dataset:
    return dcmread(BytesIO(build_superseded_note(REJECTED, DEVICE, NEWER, "all").content))


def test_it_is_a_key_object_selection_rejected_for_quality(note: Dataset) -> None:
    assert note.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.59"
    assert note.Modality == "KO"
    title = note.ConceptNameCodeSequence[0]
    assert (title.CodeValue, title.CodingSchemeDesignator) == ("113001", "DCM")
    assert note.ContentTemplateSequence[0].TemplateIdentifier == "2010"


def test_every_rejected_object_is_in_its_content_and_its_evidence(note: Dataset) -> None:
    named = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID: item.ValueType
        for item in note.ContentSequence
        if "ReferencedSOPSequence" in item
    }
    assert named == {
        result.sop_instance_uid: "IMAGE" if result.kind is ResultKind.SEG else "COMPOSITE" for result in REJECTED
    }
    (study,) = note.CurrentRequestedProcedureEvidenceSequence
    assert study.StudyInstanceUID == NEWER.study_instance_uid
    listed = {
        (series.SeriesInstanceUID, sop.ReferencedSOPInstanceUID)
        for series in study.ReferencedSeriesSequence
        for sop in series.ReferencedSOPSequence
    }
    assert listed == {(result.series_instance_uid, result.sop_instance_uid) for result in REJECTED}


def test_it_belongs_to_the_patient_and_names_its_maker(note: Dataset) -> None:
    assert (note.PatientName, note.PatientID) == ("Phantom^Synthetic", "PHANTOM-1")
    assert note.Manufacturer == DEVICE.manufacturer != MANUFACTURER
    texts = [item.TextValue for item in note.ContentSequence if item.ValueType == "TEXT"]
    assert texts[-1].startswith("Superseded")


def test_the_same_rejection_gives_the_same_bytes_and_another_another_object() -> None:
    first, again = (build_superseded_note(REJECTED, DEVICE, NEWER, "all") for _ in range(2))
    assert first == again
    other = build_superseded_note(REJECTED[:1], DEVICE, NEWER, "some")
    assert other.sop_instance_uid != first.sop_instance_uid
    assert first.kind is ResultKind.REJECTION
