from io import BytesIO

import pytest
from pydicom import Dataset, dcmread

from appliance.results import build_results
from appliance.results.codes import code_of
from tests.helpers.dicom_builder import blob_phantom
from tests.helpers.findings import (
    DEVICE,
    analysis_of,
    findings_in_image,
    findings_in_volume,
    package,
    planar_images,
    stack_images,
)

STACK, PLANAR = stack_images(blob_phantom()), planar_images()


def reports() -> dict[str, Dataset]:
    made = {}
    for name, images, findings in (
        ("stack", STACK, findings_in_volume(STACK.sources[0])),
        ("planar", PLANAR, findings_in_image(PLANAR.sources[0])),
    ):
        made[name] = dcmread(
            BytesIO(build_results(analysis_of(images, findings), images, package(), DEVICE)[-1].content)
        )
    return made


REPORTS = reports()


def children(item: Dataset, code: str) -> list[Dataset]:
    return [i for i in item.ContentSequence if code_of(i.ConceptNameCodeSequence[0])[0] == code]


def groups(report: Dataset) -> list[Dataset]:
    return list(children(report, "126010")[0].ContentSequence)


def templates(report: Dataset) -> list[str]:
    return [str(group.ContentTemplateSequence[0].TemplateIdentifier) for group in groups(report)]


def test_each_subject_has_the_template_that_fits() -> None:
    assert templates(REPORTS["stack"]) == ["1411", "1501", "1501"]
    assert templates(REPORTS["planar"]) == ["1410", "1410", "1501", "1410"]


def test_the_image_library_lists_every_image_once() -> None:
    (library,) = children(REPORTS["stack"], "111028")
    (group,) = library.ContentSequence
    images = [
        i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in group.ContentSequence if i.ValueType == "IMAGE"
    ]
    assert images == [header.SOPInstanceUID for header in STACK.headers]


def test_a_reference_names_a_segment_or_a_frame_not_both() -> None:
    group = groups(REPORTS["planar"])[0]
    (item,) = children(group, "121214")
    assert item.ReferencedSOPSequence[0].ReferencedSegmentNumber == 1
    assert "ReferencedFrameNumber" not in item.ReferencedSOPSequence[0]


def test_a_region_is_a_closed_polygon_on_its_frame() -> None:
    group = groups(REPORTS["planar"])[3]
    (outline,) = children(group, "111030")
    assert list(outline.GraphicData) == [1, 1, 8, 1, 8, 3, 1, 3, 1, 1]
    source = outline.ContentSequence[0].ReferencedSOPSequence[0]
    assert source.ReferencedSOPInstanceUID == PLANAR.sources[0].frame.sop_instance_uid


def test_numbers_have_the_units_of_the_context_groups() -> None:
    numbers = [i for i in groups(REPORTS["stack"])[0].ContentSequence if i.ValueType == "NUM"]
    units = [code_of(i.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0])[0] for i in numbers]
    assert units == ["cm3", "[hnsf'U]", "mm"]


@pytest.mark.parametrize("name", ["stack", "planar"])
def test_every_group_says_which_algorithm_measured(name: str) -> None:
    for group in groups(REPORTS[name]):
        assert [i.TextValue for i in children(group, "111001")] == ["ct-liver"]
        assert [i.TextValue for i in children(group, "111003")] == ["1.2.0"]
    parameters = [i.TextValue for i in children(groups(REPORTS[name])[0], "111002")]
    assert f"manifest sha256: {'cd' * 32}" in parameters
    assert "operating point default: threshold 0.5, sensitivity 0.93, specificity 0.88" in parameters


def test_private_concepts_are_introduced() -> None:
    (scheme,) = REPORTS["stack"].CodingSchemeIdentificationSequence
    assert scheme.CodingSchemeDesignator == "99APPLIANCE"


def test_a_name_that_a_library_finds_unlikely_is_kept_and_never_quoted(recwarn, caplog) -> None:
    images = stack_images(blob_phantom())
    for header in images.headers:
        header.PatientName = "Bono"
    findings = findings_in_volume(images.sources[0])
    results = build_results(analysis_of(images, findings), images, package(), DEVICE)
    assert [str(dcmread(BytesIO(item.content)).PatientName) for item in results] == ["Bono", "Bono"]
    assert not any("Bono" in str(warning.message) for warning in recwarn)
    assert "Bono" not in caplog.text


def test_slice_thickness_is_the_header_s_or_none() -> None:
    images = stack_images(blob_phantom())
    for header in images.headers:
        header.SliceThickness = 5.5
    findings = findings_in_volume(images.sources[0])
    for expected in (5.5, None):
        seg = dcmread(BytesIO(build_results(analysis_of(images, findings), images, package(), DEVICE)[0].content))
        measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        assert measures.get("SliceThickness") == expected
        assert float(measures.SpacingBetweenSlices) == 2.0
        for header in images.headers:
            header.SliceThickness = None
