"""One body, stored in every way DICOM knows, is read as the same voxels in patient space."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from appliance.domain.coding import HOUNSFIELD_UNIT, NO_UNITS
from appliance.domain.errors import (
    GeometryMissing,
    InputTooLarge,
    PixelsUnsupported,
    RescaleMixed,
    SlicesDuplicated,
    UnreadableObject,
)
from appliance.domain.image import Volume
from appliance.domain.model_package import InputKind
from appliance.study.headers import instance_of, series_of
from appliance.study.objects import ReadLimits
from appliance.study.reader import FilePixelSource
from tests.helpers.dicom_builder import (
    Phantom,
    axial_affine,
    blob_phantom,
    compressed,
    ct_series,
    enhanced,
    mr_series,
    rotated,
    sample,
    save,
    set_pixels,
)
from tests.helpers.reading import read_as_volume, read_images, stored_series

AXES = list(itertools.permutations(range(3)))
FLIPS = list(itertools.product((False, True), repeat=3))
SYNTAXES = (JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless)


def _same_in_patient_space(volume: Volume, phantom: Phantom) -> None:
    index = np.indices(phantom.values.shape).reshape(3, -1)
    points = (phantom.affine @ np.vstack([index, np.ones(index.shape[1])]))[:3].T
    found = sample(volume.voxels, volume.affine, points)
    np.testing.assert_array_equal(found, phantom.values.reshape(-1))


def _normal(volume: Volume) -> np.ndarray:
    return np.cross(volume.affine[:3, 2], volume.affine[:3, 1])


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    axes=st.sampled_from(AXES),
    flips=st.sampled_from(FLIPS),
    turn=st.tuples(*[st.floats(-180, 180, allow_nan=False)] * 3),
    seed=st.integers(0, 2**16),
)
def test_any_stack_is_read_as_the_same_body(axes, flips, turn, seed, tmp_path_factory) -> None:
    phantom = blob_phantom((6, 9, 11), rotated(axial_affine(), turn))
    items = ct_series(phantom.stored(axes, flips))
    np.random.default_rng(seed).shuffle(items)
    volume = read_as_volume(items, tmp_path_factory.mktemp("stack"))
    _same_in_patient_space(volume, phantom)
    assert float(_normal(volume) @ volume.affine[:3, 0]) > 0, "slices ascend along row x column"


@pytest.mark.parametrize(("axes", "flips"), list(itertools.product(AXES, FLIPS)))
def test_all_48_orientations(axes, flips, tmp_path: Path) -> None:
    phantom = blob_phantom((5, 6, 7))
    _same_in_patient_space(read_as_volume(ct_series(phantom.stored(axes, flips)), tmp_path), phantom)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
def test_compressed_stacks_hold_the_same_values(syntax, tmp_path: Path) -> None:
    phantom = blob_phantom()
    items = [compressed(item, syntax) for item in ct_series(phantom.stored((2, 0, 1), (True, False, True)))]
    _same_in_patient_space(read_as_volume(items, tmp_path), phantom)


@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize("syntax", [None, JPEG2000Lossless, RLELossless], ids=lambda syntax: syntax and syntax.keyword)
def test_enhanced_objects_hold_the_same_values(modality, syntax, tmp_path: Path) -> None:
    phantom = blob_phantom(affine=rotated(axial_affine(), (20, 35, 50)))
    item = enhanced(phantom.stored((1, 2, 0), (False, True, False)), modality=modality, shuffle=5)
    images = read_images([compressed(item, syntax) if syntax else item], tmp_path, InputKind.VOLUME)
    (volume,) = images.sources
    _same_in_patient_space(volume, phantom)
    assert sorted(frame.frame_number for frame in volume.frames) == list(range(1, len(volume.frames) + 1))
    assert len(images.headers) == 1
    assert images.headers[0].PerFrameFunctionalGroupsSequence


def test_frames_name_the_object_that_each_slice_came_from(tmp_path: Path) -> None:
    phantom = blob_phantom()
    items = ct_series(phantom)
    images = read_images(reversed(items), tmp_path, InputKind.VOLUME)
    (volume,) = images.sources
    expected = [item.SOPInstanceUID for item in items]
    assert [frame.sop_instance_uid for frame in volume.frames] == expected
    assert [header.SOPInstanceUID for header in images.headers] == expected
    assert {frame.frame_number for frame in volume.frames} == {None}
    assert volume.unit == HOUNSFIELD_UNIT
    assert volume.padding is None
    assert volume.spacing_mm == pytest.approx((2.0, 1.0, 0.8))
    assert not volume.voxels.flags.writeable


def test_rescale_is_applied_slice_by_slice(tmp_path: Path) -> None:
    phantom = blob_phantom()
    items = mr_series(phantom)
    for number, item in enumerate(items):
        item.RescaleSlope, item.RescaleIntercept, item.RescaleType = 1 + number / 2, -number, "US"
    volume = read_as_volume(items, tmp_path)
    slope = 1 + np.arange(len(items)) / 2
    expected = phantom.values * slope[:, None, None] - np.arange(len(items))[:, None, None]
    np.testing.assert_allclose(volume.voxels, expected, rtol=1e-6)
    assert volume.unit == NO_UNITS


def test_unsigned_pixels_with_signed_padding(tmp_path: Path) -> None:
    phantom = blob_phantom()
    items = ct_series(phantom)
    for item in items:
        pixels = (item.pixel_array.astype(np.int32) + 1024).astype(np.uint16)
        pixels[0, :3] = 63536
        set_pixels(item, pixels)
        item.RescaleIntercept = -1024
        item.add_new("PixelPaddingValue", "SS", -2000)
    volume = read_as_volume(items, tmp_path)
    assert volume.padding is not None
    assert volume.padding[:, 0, :3].all()
    assert volume.padding.sum() == 3 * len(items)
    np.testing.assert_array_equal(volume.voxels[:, 1:], phantom.values[:, 1:])


def test_copies_of_a_slice_count_once(tmp_path: Path) -> None:
    phantom = blob_phantom()
    items = ct_series(phantom)
    copy = ct_series(phantom)[4]
    copy.SOPInstanceUID = copy.file_meta.MediaStorageSOPInstanceUID = items[4].SOPInstanceUID + ".1"
    volume = read_as_volume([*items, copy], tmp_path)
    _same_in_patient_space(volume, phantom)
    assert copy.SOPInstanceUID not in {frame.sop_instance_uid for frame in volume.frames}


def test_different_slices_at_one_position_are_refused(tmp_path: Path) -> None:
    items = ct_series(blob_phantom())
    other = ct_series(blob_phantom())[4]
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = items[4].SOPInstanceUID + ".1"
    set_pixels(other, other.pixel_array + np.int16(1))
    with pytest.raises(SlicesDuplicated):
        read_as_volume([*items, other], tmp_path)


def test_two_temporal_positions_in_one_object_are_refused(tmp_path: Path) -> None:
    phantom = blob_phantom()
    twice = Phantom(np.concatenate([phantom.values, phantom.values]), phantom.affine)
    item = enhanced(twice, modality="MR")
    for first, second in zip(
        item.PerFrameFunctionalGroupsSequence,
        item.PerFrameFunctionalGroupsSequence[len(phantom.values) :],
        strict=False,
    ):
        second.PlanePositionSequence = first.PlanePositionSequence
    with pytest.raises(SlicesDuplicated):
        read_as_volume([item], tmp_path)


def test_two_stacks_in_one_object_are_refused(tmp_path: Path) -> None:
    item = enhanced(blob_phantom())
    item.PerFrameFunctionalGroupsSequence[3].FrameContentSequence[0].StackID = "2"
    with pytest.raises(SlicesDuplicated):
        read_as_volume([item], tmp_path)


def test_a_cine_loop_has_no_place_in_space(tmp_path: Path) -> None:
    item = mr_series(blob_phantom())[0]
    set_pixels(item, blob_phantom().values)
    item.NumberOfFrames = len(blob_phantom().values)
    with pytest.raises(GeometryMissing):
        read_as_volume([item], tmp_path)


def test_mixed_rescale_types_are_refused(tmp_path: Path) -> None:
    items = ct_series(blob_phantom())
    items[3].RescaleType = "OD"
    with pytest.raises(RescaleMixed):
        read_as_volume(items, tmp_path)


def test_a_ct_without_rescale_is_refused(tmp_path: Path) -> None:
    items = ct_series(blob_phantom())
    for item in items:
        del item.RescaleSlope, item.RescaleIntercept, item.RescaleType
    with pytest.raises(RescaleMixed):
        read_as_volume(items, tmp_path)


def test_colour_slices_form_no_volume(tmp_path: Path) -> None:
    items = mr_series(blob_phantom())
    for item in items:
        set_pixels(item, np.zeros((20, 24, 3), np.uint8), "RGB")
    with pytest.raises(PixelsUnsupported):
        read_as_volume(items, tmp_path)


def test_a_volume_above_the_limit_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    items = ct_series(blob_phantom())
    source = FilePixelSource(save(items, tmp_path), limits=ReadLimits(series_bytes=10_000))
    with pytest.raises(InputTooLarge):
        source.read(series_of(instance_of(item) for item in items), InputKind.VOLUME)


def test_an_instance_that_vanished_is_refused(tmp_path: Path) -> None:
    series, source = stored_series(ct_series(blob_phantom()), tmp_path)
    (tmp_path / "00003.dcm").unlink()
    with pytest.raises(UnreadableObject):
        source.read(series, InputKind.VOLUME)


def test_headers_of_slices_share_what_is_equal_and_keep_what_is_not(tmp_path: Path) -> None:
    items = ct_series(blob_phantom(), SpecificCharacterSet="ISO_IR 100")
    for number, item in enumerate(items):
        item.SeriesDescription = "Röntgen" if number < 7 else "Schädel"
        item.ReferringPhysicianName = "Müller" if number < 7 else "Größe"
    headers = read_images(items, tmp_path, InputKind.VOLUME).headers
    assert [header.InstanceNumber for header in headers] == [item.InstanceNumber for item in items]
    assert [header.SeriesDescription for header in headers] == ["Röntgen"] * 7 + ["Schädel"] * 7
    assert [str(header.ReferringPhysicianName) for header in headers] == ["Müller"] * 7 + ["Größe"] * 7
    assert {header.SpecificCharacterSet for header in headers} == {"ISO_IR 192"}
    for header, item in zip(headers, items, strict=True):
        assert header.ImagePositionPatient == item.ImagePositionPatient
        assert header.PatientID == "PHANTOM-1"
