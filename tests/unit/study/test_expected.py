"""What headers count, and what they only seem to."""

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from appliance.domain.study import Instance
from appliance.study.expected import POSITRON_EMISSION_TOMOGRAPHY, Evidence, evidence_of, is_gapless
from appliance.study.headers import instance_of
from tests.helpers.dicom_builder import (
    axial_affine,
    blob_phantom,
    ct_series,
    enhanced,
    mr_series,
    projection,
    rotated,
)

PHANTOM = blob_phantom((12, 8, 9))


def instances(items: list[Dataset]) -> list[Instance]:
    return [instance_of(item) for item in items]


def ct(**attributes: Any) -> list[Instance]:
    return instances(ct_series(PHANTOM, **attributes))


def pet(**attributes: Any) -> list[Dataset]:
    items = ct_series(PHANTOM, Modality="PT", **attributes)
    for item in items:
        item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = POSITRON_EMISSION_TOMOGRAPHY
    return items


@pytest.mark.parametrize("keyword", ["NumberOfSeriesRelatedInstances", "ImagesInAcquisition"])
def test_a_count_is_reached_or_not(keyword: str) -> None:
    counted = ct(**{keyword: 12})
    assert evidence_of(counted) is Evidence.COUNTED
    assert evidence_of(counted[:-1]) is Evidence.SHORT
    assert evidence_of(counted[:1]) is Evidence.SHORT


@pytest.mark.parametrize("keyword", ["NumberOfSeriesRelatedInstances", "ImagesInAcquisition"])
def test_a_count_that_is_exceeded_is_none(keyword: str) -> None:
    assert evidence_of(ct(**{keyword: 5})) is Evidence.GAPLESS


def test_images_in_acquisition_of_one_is_no_count_of_a_stack() -> None:
    """A GE MR stack of 20 slices says 1 in each of them."""
    assert evidence_of(ct(ImagesInAcquisition=1)[:1]) is Evidence.GAPLESS


def test_several_acquisitions_may_be_followed_by_another() -> None:
    items = ct_series(PHANTOM, ImagesInAcquisition=6)
    for item in items[6:]:
        item.AcquisitionNumber = 2
    assert evidence_of(instances(items)) is Evidence.GAPLESS
    assert evidence_of(instances(items[:-1])) is Evidence.SHORT


def test_counts_that_differ_or_are_missing_in_places_count_nothing() -> None:
    items = ct_series(PHANTOM, NumberOfSeriesRelatedInstances=12)
    items[3].NumberOfSeriesRelatedInstances = 13
    assert evidence_of(instances(items)) is Evidence.GAPLESS
    del items[3].NumberOfSeriesRelatedInstances
    assert evidence_of(instances(items)) is Evidence.GAPLESS


@pytest.mark.parametrize(
    ("kind", "factors", "expected"),
    [
        ("STATIC", {"NumberOfSlices": 12}, Evidence.COUNTED),
        ("WHOLE BODY", {"NumberOfSlices": 13}, Evidence.SHORT),
        ("DYNAMIC", {"NumberOfSlices": 4, "NumberOfTimeSlices": 3}, Evidence.COUNTED),
        ("DYNAMIC", {"NumberOfSlices": 12}, Evidence.GAPLESS),
        ("GATED", {"NumberOfSlices": 3, "NumberOfRRIntervals": 2, "NumberOfTimeSlots": 2}, Evidence.COUNTED),
        ("GATED", {"NumberOfSlices": 3, "NumberOfRRIntervals": 2, "NumberOfTimeSlots": 3}, Evidence.SHORT),
        ("STATIC", {"NumberOfSlices": 0}, Evidence.GAPLESS),
        ("OTHER", {"NumberOfSlices": 12}, Evidence.GAPLESS),
    ],
)
def test_a_pet_series_counts_itself(kind: str, factors: dict[str, int], expected: Evidence) -> None:
    assert evidence_of(instances(pet(SeriesType=[kind, "IMAGE"], **factors))) is expected


def test_number_of_slices_of_other_modalities_is_not_read() -> None:
    assert "ImagesInSeries" not in ct(SeriesType=["STATIC", "IMAGE"])[0].attributes


def test_an_enhanced_object_holds_its_whole_stack() -> None:
    assert evidence_of(instances([enhanced(PHANTOM)])) is Evidence.WHOLE_OBJECTS


def test_a_concatenation_is_complete_with_its_last_part() -> None:
    parts = []
    for number in range(3):
        part = enhanced(PHANTOM, seed=f"part{number}")
        part.ConcatenationUID, part.InConcatenationNumber, part.InConcatenationTotalNumber = "1.2.3", number + 1, 3
        parts.append(part)
    assert evidence_of(instances(parts[:2])) is Evidence.SHORT
    assert evidence_of(instances(parts)) is Evidence.COUNTED


@pytest.mark.parametrize("modality", ["CR", "DX", "MG"])
def test_projections_are_whole_by_themselves_but_may_have_companions(modality: str) -> None:
    item = projection(np.zeros((8, 9), np.uint16))
    uid = {"CR": "1.2.840.10008.5.1.4.1.1.1", "DX": item.SOPClassUID, "MG": "1.2.840.10008.5.1.4.1.1.1.2"}[modality]
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = uid
    assert evidence_of(instances([item])) is Evidence.SINGLE_IMAGES


def phases(order: str) -> list[Instance]:
    """Three phases of four slices, in the order in which they come."""
    items = []
    for phase in range(3):
        for item in mr_series(blob_phantom((4, 8, 9)), seed=f"phase{phase}"):
            item.SeriesInstanceUID, item.NumberOfTemporalPositions = "1.2.3", 3
            item.TemporalPositionIdentifier = phase + 1
            items.append(item)
    if order == "slice by slice":
        items.sort(key=lambda item: (item.ImagePositionPatient[2], item.TemporalPositionIdentifier))
    for number, item in enumerate(items, 1):
        item.InstanceNumber = number
    return instances(items)


@pytest.mark.parametrize("order", ["phase by phase", "slice by slice"])
def test_phases_that_differ_are_short_and_phases_that_agree_prove_nothing(order: str) -> None:
    series = phases(order)
    verdicts = [evidence_of(series[:count]) for count in range(1, 13)]
    assert Evidence.COUNTED not in verdicts
    assert verdicts[-1] is Evidence.GAPLESS
    assert verdicts[1] is Evidence.SHORT
    assert verdicts[10] is Evidence.SHORT


@pytest.mark.parametrize("missing", [1, 5, 10])
def test_a_slice_that_is_missing_within_leaves_a_gap(missing: int) -> None:
    items = ct_series(PHANTOM)
    del items[missing]
    assert not is_gapless(instances(items))
    for item in items:
        del item.InstanceNumber
    assert not is_gapless(instances(items))


def test_slices_in_any_direction_are_gapless() -> None:
    tilted = blob_phantom((12, 8, 9), affine=rotated(axial_affine(), (20, -35, 50)))
    assert is_gapless(instances(ct_series(tilted)))
    assert is_gapless(list(reversed(ct())))


def test_a_localizer_in_three_orientations_is_no_gap() -> None:
    items = []
    for number, degrees in enumerate([(0, 0, 0), (90, 0, 0), (0, 90, 0)]):
        affine = rotated(axial_affine(), degrees)
        items += ct_series(blob_phantom((3, 8, 9), affine=affine), seed=f"plane{number}")
    for number, item in enumerate(items, 1):
        item.InstanceNumber = number
    assert is_gapless(instances(items))


def test_objects_without_a_place_are_judged_by_their_numbers() -> None:
    items = ct_series(PHANTOM)
    for item in items:
        del item.ImagePositionPatient
    assert is_gapless(instances(items))
    assert not is_gapless(instances(items[:3] + items[5:]))
