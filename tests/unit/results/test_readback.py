"""Every kind of damage between findings and bytes must be noticed."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from appliance.domain.errors import ResultRefused
from appliance.domain.finding import Narrative, Segment, Sentence
from appliance.results import build_report, build_results, readback
from appliance.results.grouping import group_findings, segment_tracking
from tests.helpers.dicom_builder import blob_phantom
from tests.helpers.findings import DEVICE, analysis_of, findings_in_volume, package, stack_images, workitem_for

IMAGES = stack_images(blob_phantom())
FINDINGS = findings_in_volume(IMAGES.sources[0])
ANALYSIS = analysis_of(IMAGES, FINDINGS)
SEGMENT = next(item for item in FINDINGS if isinstance(item, Segment))
TRACKING = [segment_tracking(ANALYSIS.workitem, SEGMENT)[1]]
GROUPS = group_findings(FINDINGS, ANALYSIS.workitem)
SEG, SR = build_results(ANALYSIS, IMAGES, package(), DEVICE)
NARRATIVE = Narrative(
    language="en", title="Draft", findings=(Sentence(text="One."), Sentence(text="Two.")), impression=()
)


def damaged(content: bytes, damage: Callable[[Dataset], object]) -> bytes:
    dataset = dcmread(BytesIO(content))
    damage(dataset)
    buffer = BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


def check_segmentation(content: bytes) -> None:
    readback.check_segmentation(content, [SEGMENT], TRACKING, IMAGES.sources[0])


def flip_a_pixel(dataset: Dataset) -> None:
    pixels = bytearray(dataset.PixelData)
    pixels[len(pixels) // 2] ^= 0x10
    dataset.PixelData = bytes(pixels)


def move_a_frame(dataset: Dataset) -> None:
    plane = dataset.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    plane.ImagePositionPatient = [plane.ImagePositionPatient[0] + 0.1, *plane.ImagePositionPatient[1:]]


def drop_a_frame(dataset: Dataset) -> None:
    length = len(dataset.PixelData) // dataset.NumberOfFrames
    dataset.PixelData = dataset.PixelData[: length * (dataset.NumberOfFrames - 1)]
    del dataset.PerFrameFunctionalGroupsSequence[-1]
    dataset.NumberOfFrames -= 1


def mirror(dataset: Dataset) -> None:
    plane = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]
    plane.ImageOrientationPatient = [-float(plane.ImageOrientationPatient[0]), *plane.ImageOrientationPatient[1:]]


def stretch(dataset: Dataset) -> None:
    dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [1.0, 0.81]


def swap_references(dataset: Dataset) -> None:
    first, second = (
        item.DerivationImageSequence[0].SourceImageSequence[0] for item in dataset.PerFrameFunctionalGroupsSequence[:2]
    )
    first.ReferencedSOPInstanceUID, second.ReferencedSOPInstanceUID = (
        second.ReferencedSOPInstanceUID,
        first.ReferencedSOPInstanceUID,
    )


def recode(dataset: Dataset) -> None:
    dataset.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue = "78961009"


def lose_track(dataset: Dataset) -> None:
    dataset.SegmentSequence[0].TrackingUID = "2.25.1"


def test_sound_objects_pass() -> None:
    check_segmentation(SEG.content)
    check_segmentation(damaged(SEG.content, lambda _: None))
    readback.check_measurement_report(damaged(SR.content, lambda _: None), GROUPS)


@pytest.mark.parametrize(
    "damage", [flip_a_pixel, move_a_frame, drop_a_frame, mirror, stretch, swap_references, recode, lose_track]
)
def test_a_damaged_segmentation_is_refused(damage) -> None:
    with pytest.raises(ResultRefused):
        check_segmentation(damaged(SEG.content, damage))


def test_a_mask_that_differs_by_one_voxel_is_refused() -> None:
    mask = SEGMENT.mask.copy()
    mask[tuple(np.argwhere(~mask)[0])] = True
    with pytest.raises(ResultRefused):
        readback.check_segmentation(SEG.content, [replace(SEGMENT, mask=mask)], TRACKING, IMAGES.sources[0])


def groups_of(dataset: Dataset) -> list[Dataset]:
    items = next(i for i in dataset.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == "126010")
    return list(items.ContentSequence)


def number_in(dataset: Dataset) -> Dataset:
    return next(item for item in groups_of(dataset)[0].ContentSequence if item.ValueType == "NUM")


def change_a_number(dataset: Dataset) -> None:
    value = number_in(dataset).MeasuredValueSequence[0]
    value.NumericValue = str(float(value.NumericValue) * 1.0001)[:16]


def change_a_unit(dataset: Dataset) -> None:
    number_in(dataset).MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue = "mm3"


def change_a_name(dataset: Dataset) -> None:
    number_in(dataset).ConceptNameCodeSequence[0].CodeValue = "42798000"


def negate(dataset: Dataset) -> None:
    items = [i for g in groups_of(dataset) for i in g.ContentSequence if i.ValueType == "CODE"]
    next(i for i in items if i.ConceptCodeSequence[0].CodeValue == "2667000").ConceptCodeSequence[
        0
    ].CodeValue = "52101004"


def drop_a_number(dataset: Dataset) -> None:
    items = groups_of(dataset)[0].ContentSequence
    del items[next(n for n, item in enumerate(items) if item.ValueType == "NUM")]


def drop_a_group(dataset: Dataset) -> None:
    items = next(i for i in dataset.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == "126010")
    del items.ContentSequence[-1]


@pytest.mark.parametrize("damage", [change_a_number, change_a_unit, change_a_name, negate, drop_a_number, drop_a_group])
def test_a_damaged_measurement_report_is_refused(damage) -> None:
    with pytest.raises(ResultRefused):
        readback.check_measurement_report(damaged(SR.content, damage), GROUPS)


def test_a_report_that_lost_or_changed_a_sentence_is_refused() -> None:
    report, pdf = build_report(NARRATIVE, (), IMAGES.headers[:1], DEVICE, workitem_for(IMAGES, "report"))
    readback.check_report_document(report.content, NARRATIVE)
    for findings in ((Sentence(text="One."),), (Sentence(text="One."), Sentence(text="Three."))):
        with pytest.raises(ResultRefused):
            readback.check_report_document(report.content, replace(NARRATIVE, findings=findings))
    with pytest.raises(ResultRefused):
        readback.check_document_file(pdf.content, b"%PDF-1.4 another")
