import itertools
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread

from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.finding import Segment
from appliance.domain.image import SeriesImages, Volume
from appliance.domain.model_package import InputKind
from appliance.results import ResultOptions, SegmentationEncoding, build_results
from tests.helpers.dicom_builder import axial_affine, blob_phantom, enhanced_ct, rotated, sample
from tests.helpers.findings import DEVICE, analysis_of, package, planar_images, segment, stack_images
from tests.helpers.reading import read_images

AXES = list(itertools.permutations(range(3)))
FLIPS = list(itertools.product((False, True), repeat=3))
LABELMAP = ResultOptions(segmentation=SegmentationEncoding.LABELMAP)


def segs(images: SeriesImages, *segments: Segment, options: ResultOptions | None = None) -> list[DicomResult]:
    results = build_results(
        analysis_of(images, segments), images, package(("SEG",)), DEVICE, options=options or ResultOptions()
    )
    assert {item.kind for item in results} <= {ResultKind.SEG}
    return list(results)


def parsed(result: DicomResult) -> Dataset:
    return dcmread(BytesIO(result.content))


def points_of(dataset: Dataset, value: int) -> np.ndarray:
    """LPS mm of the voxels of a segment, straight from the functional groups; independent of the code under test."""
    found = []
    shared = dataset.SharedFunctionalGroupsSequence[0]
    if dataset.SegmentationType == "LABELMAP":
        dataset.pixel_array_options(decoding_plugin="pylibjpeg")
    pixels = dataset.pixel_array.reshape((-1, dataset.Rows, dataset.Columns))
    orientation = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    between_rows, between_columns = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
    for item, frame in zip(dataset.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        if dataset.SegmentationType == "BINARY":
            groups = item if "SegmentIdentificationSequence" in item else shared
            wanted = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == value
            rows, columns = np.nonzero(frame) if wanted else ([], [])
        else:
            rows, columns = np.nonzero(frame == value)
        origin = np.array(item.PlanePositionSequence[0].ImagePositionPatient, float)
        for row, column in zip(rows, columns, strict=True):
            found.append(origin + orientation[:3] * between_columns * column + orientation[3:] * between_rows * row)
    return np.array(found)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    axes=st.sampled_from(AXES),
    flips=st.sampled_from(FLIPS),
    turn=st.tuples(*[st.floats(-180, 180, allow_nan=False)] * 3),
    options=st.sampled_from([ResultOptions(), ResultOptions(keep_empty_frames=True), LABELMAP]),
)
def test_any_orientation_keeps_the_mask_in_patient_space(axes, flips, turn, options) -> None:
    body = blob_phantom((6, 9, 11), rotated(axial_affine(), turn))
    images = stack_images(body.stored(axes, flips))
    (volume,) = images.sources
    assert isinstance(volume, Volume)
    (result,) = segs(
        images,
        segment(volume.voxels > 200),
        segment((volume.voxels < -50) & (volume.voxels > -200), 2, "Dark"),
        options=options,
    )
    dataset = parsed(result)
    for value, inside in ((1, body.values > 200), (2, (body.values < -50) & (body.values > -200))):
        points = points_of(dataset, value)
        assert len(points) == inside.sum()
        assert np.all(sample(inside.astype(np.uint8), body.affine, points) == 1)


def test_frames_refer_to_the_frames_of_an_enhanced_source(tmp_path) -> None:
    source = enhanced_ct(blob_phantom(), shuffle=5)
    images = read_images([source], tmp_path, InputKind.VOLUME)
    (volume,) = images.sources
    dataset = parsed(segs(images, segment(volume.voxels > 200))[0])
    (series,) = dataset.ReferencedSeriesSequence
    (instance,) = series.ReferencedInstanceSequence
    assert instance.ReferencedSOPClassUID == source.SOPClassUID
    for item in dataset.PerFrameFunctionalGroupsSequence:
        (reference,) = item.DerivationImageSequence[0].SourceImageSequence
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
        stored = source.PerFrameFunctionalGroupsSequence[reference.ReferencedFrameNumber - 1]
        assert np.allclose(
            item.PlanePositionSequence[0].ImagePositionPatient, stored.PlanePositionSequence[0].ImagePositionPatient
        )


def test_each_planar_image_has_its_own_object() -> None:
    images = planar_images(2)
    mask = np.zeros((12, 16), bool)
    mask[1:3, 4:9] = True
    first, second = segs(images, segment(mask), segment(~mask, source=1))
    assert first.sop_instance_uid != second.sop_instance_uid
    assert first.series_instance_uid == second.series_instance_uid
    for result, source, expected in ((first, images.sources[0], mask), (second, images.sources[1], ~mask)):
        dataset = parsed(result)
        assert np.array_equal(dataset.pixel_array.reshape(mask.shape) > 0, expected)
        assert "FrameOfReferenceUID" not in dataset
        assert list(dataset.PatientOrientation) == ["L", "F"]
        reference = dataset.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
        assert reference.ReferencedSOPInstanceUID == source.frame.sop_instance_uid


def test_empty_segments_are_left_out_and_the_others_numbered_anew() -> None:
    images = stack_images(blob_phantom())
    filled = images.sources[0].voxels > 200
    dataset = parsed(segs(images, segment(~filled & False, 1), segment(filled, 5, "Right"))[0])
    (description,) = dataset.SegmentSequence
    assert (description.SegmentNumber, description.SegmentLabel) == (1, "Right")


def test_nothing_segmented_gives_no_object() -> None:
    images = stack_images(blob_phantom())
    assert segs(images, segment(np.zeros(images.sources[0].voxels.shape, bool))) == []


def test_overlapping_segments_are_binary_whatever_is_asked() -> None:
    images = stack_images(blob_phantom())
    body = images.sources[0].voxels > 0
    dataset = parsed(segs(images, segment(body), segment(body & (body.cumsum(2) > 3), 2), options=LABELMAP)[0])
    assert dataset.SegmentationType == "BINARY"
    assert dataset.SegmentsOverlap == "YES"


@pytest.mark.parametrize("options", [ResultOptions(), LABELMAP])
def test_only_frames_with_voxels_are_stored_unless_asked(options) -> None:
    images = stack_images(blob_phantom())
    mask = np.zeros(images.sources[0].voxels.shape, bool)
    mask[3:5] = True
    assert parsed(segs(images, segment(mask), options=options)[0]).NumberOfFrames == 2
    kept = ResultOptions(segmentation=options.segmentation, keep_empty_frames=True)
    assert parsed(segs(images, segment(mask), options=kept)[0]).NumberOfFrames == len(mask)


def test_a_segment_says_what_made_it() -> None:
    images = stack_images(blob_phantom())
    dataset = parsed(segs(images, segment(images.sources[0].voxels > 200))[0])
    (description,) = dataset.SegmentSequence
    assert description.SegmentAlgorithmType == "AUTOMATIC"
    (algorithm,) = description.SegmentationAlgorithmIdentificationSequence
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("ct-liver", "1.2.0")
    assert "ab" * 32 in algorithm.AlgorithmParameters
    assert description.SegmentedPropertyTypeCodeSequence[0].CodeValue == "10200004"
    assert len(description.RecommendedDisplayCIELabValue) == 3
    assert "AI, unverified" in dataset.SeriesDescription
    makers = [item.PurposeOfReferenceCodeSequence[0].CodeValue for item in dataset.ContributingEquipmentSequence]
    assert makers == ["109101", "109102", "109102"]
