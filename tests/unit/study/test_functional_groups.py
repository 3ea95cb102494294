"""What holds for one frame: its own group, else the shared one; what holds for all frames is lifted."""

import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from appliance.study.functional_groups import frame_count, frame_macro, is_enhanced, lifted_attributes
from tests.helpers.dicom_builder import blob_phantom, ct_series, enhanced

PHANTOM = blob_phantom((3, 8, 9))


def item_with(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


@pytest.fixture
def multiframe() -> Dataset:
    return enhanced(PHANTOM)


def test_an_object_is_enhanced_by_its_per_frame_groups(multiframe: Dataset) -> None:
    assert is_enhanced(multiframe)
    assert frame_count(multiframe) == 3
    assert not is_enhanced(ct_series(PHANTOM)[0])
    assert frame_count(ct_series(PHANTOM)[0]) == 0


@pytest.mark.parametrize("vr", ["UN", "LO", "SQ"])
def test_a_sequence_that_is_none_describes_no_frame(vr: str) -> None:
    item = Dataset()
    tag = Tag("PerFrameFunctionalGroupsSequence")
    item._dict[tag] = RawDataElement(tag, vr, 7, b"damaged", 0, False, True)
    assert not is_enhanced(item)


def test_a_frame_has_its_own_group_before_the_shared_one(multiframe: Dataset) -> None:
    own = item_with(PixelSpacing=[9, 9])
    multiframe.PerFrameFunctionalGroupsSequence[1].PixelMeasuresSequence = [own]
    found = [frame_macro(multiframe, frame, "PixelMeasuresSequence") for frame in range(3)]
    shared = multiframe.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert [item is own for item in found] == [False, True, False]
    assert found[0] is shared


def test_a_macro_that_is_nowhere_is_none(multiframe: Dataset) -> None:
    assert frame_macro(multiframe, 0, "MREchoSequence") is None
    assert frame_macro(multiframe, 99, "PlanePositionSequence") is None


def test_shared_attributes_are_lifted_and_positions_never(multiframe: Dataset) -> None:
    lifted = lifted_attributes(multiframe, {})
    assert lifted["PixelSpacing"] == (1.0, 0.8)
    assert lifted["RescaleType"] == "HU"
    assert "ImagePositionPatient" not in lifted
    del multiframe.PerFrameFunctionalGroupsSequence[1:]
    assert "ImagePositionPatient" not in lifted_attributes(multiframe, {})


def test_per_frame_attributes_are_lifted_where_all_frames_agree(multiframe: Dataset) -> None:
    for frame, value in zip(multiframe.PerFrameFunctionalGroupsSequence, (2.0, 2.0, 3.0), strict=True):
        frame.PixelMeasuresSequence = [item_with(SliceThickness=value, SpacingBetweenSlices=2.0)]
    del multiframe.SharedFunctionalGroupsSequence
    lifted = lifted_attributes(multiframe, {})
    assert lifted["SpacingBetweenSlices"] == 2.0
    assert "SliceThickness" not in lifted


def test_what_the_top_level_says_wins(multiframe: Dataset) -> None:
    assert "PixelSpacing" not in lifted_attributes(multiframe, {"PixelSpacing": (7.0, 7.0)})


def test_the_enhanced_echo_time_has_its_classic_name_too(multiframe: Dataset) -> None:
    multiframe.SharedFunctionalGroupsSequence[0].MREchoSequence = [item_with(EffectiveEchoTime=80.0)]
    assert lifted_attributes(multiframe, {})["EchoTime"] == 80.0
