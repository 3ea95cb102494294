"""Stored values to values with a meaning."""

import numpy as np
import pytest
from pydicom import Dataset

from appliance.domain.coding import HOUNSFIELD_UNIT, NO_UNITS
from appliance.domain.errors import PixelsUnsupported, RescaleMixed
from appliance.study.pixel_values import (
    ModalityTransform,
    common_unit,
    modality_transform,
    padding_mask,
    padding_range,
    palette_rgb,
)


def header(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def test_rescale() -> None:
    transform = modality_transform(header(RescaleSlope="0.5", RescaleIntercept="-1024", RescaleType="HU"))
    values = transform.apply(np.array([[0, 3]], np.uint16))
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, [[-1024, -1022.5]])


def test_a_big_stored_value_keeps_its_last_digit() -> None:
    transform = ModalityTransform(slope=1.0, intercept=-16_777_216.0)
    assert transform.apply(np.array([16_777_217], np.int32))[0] == 1.0


def test_no_rescale_is_the_identity() -> None:
    transform = modality_transform(header())
    assert not transform.stated
    np.testing.assert_array_equal(transform.apply(np.array([-5, 7], np.int16)), [-5, 7])


@pytest.mark.parametrize(
    "attributes",
    [
        {"RescaleSlope": "0", "RescaleIntercept": "0"},
        {"RescaleSlope": "", "RescaleIntercept": "0"},
        {"RescaleSlope": "2"},
        {"RescaleIntercept": "2"},
    ],
)
def test_an_unusable_rescale_is_refused(attributes) -> None:
    with pytest.raises(PixelsUnsupported):
        modality_transform(header(**attributes))


def lut(first: int, values: list[int], kind: str = "OD") -> Dataset:
    table = Dataset()
    table.add_new("LUTDescriptor", "SS", [len(values), first, 16])
    table.add_new("LUTData", "US", values)
    table.ModalityLUTType = kind
    return header(ModalityLUTSequence=[table], PixelRepresentation=1)


def test_a_modality_lut_wins_and_clamps() -> None:
    transform = modality_transform(lut(-1, [10, 200, 3000]))
    np.testing.assert_array_equal(transform.apply(np.array([-9, -1, 0, 1, 5], np.int16)), [10, 10, 200, 3000, 3000])
    assert transform.rescale_type == "OD"


def test_a_damaged_modality_lut_is_refused() -> None:
    broken = lut(0, [1, 2, 3])
    del broken.ModalityLUTSequence[0].LUTData
    with pytest.raises(PixelsUnsupported):
        modality_transform(broken).apply(np.zeros((2, 2), np.int16))


@pytest.mark.parametrize(
    ("types", "modality", "unit"),
    [
        (["HU", "HU"], "CT", HOUNSFIELD_UNIT),
        (["HU", ""], "CT", HOUNSFIELD_UNIT),
        (["US", "US"], "CT", NO_UNITS),
        (["US", ""], "MR", NO_UNITS),
    ],
)
def test_units(types, modality, unit) -> None:
    transforms = [ModalityTransform(rescale_type=kind, stated=True) for kind in types]
    assert common_unit(transforms, modality) == unit


def test_pet_units_come_from_their_own_attribute() -> None:
    assert common_unit([ModalityTransform(stated=True, rescale_type="BQML")], "PT", "BQML").value == "Bq/ml"


@pytest.mark.parametrize(("types", "modality"), [(["HU", "US"], "CT"), (["HU", "OD"], "CT"), (["", "OD"], "MR")])
def test_mixed_types_are_refused(types, modality) -> None:
    with pytest.raises(RescaleMixed):
        common_unit([ModalityTransform(rescale_type=kind, stated=True) for kind in types], modality)


def test_a_rescale_in_some_slices_only_is_refused() -> None:
    with pytest.raises(RescaleMixed):
        common_unit([ModalityTransform(stated=True), ModalityTransform()], "MR")


@pytest.mark.parametrize(
    ("vr", "value", "limit", "signed", "expected"),
    [
        ("SS", -2000, None, 1, (-2000, -2000)),
        ("US", 63536, None, 1, (-2000, -2000)),
        ("SS", -2000, None, 0, (63536, 63536)),
        ("US", 0, 10, 0, (0, 10)),
        ("US", 10, 0, 0, (0, 10)),
    ],
)
def test_padding_takes_the_sign_of_the_pixels(vr, value, limit, signed, expected) -> None:
    item = header(BitsAllocated=16, PixelRepresentation=signed)
    item.add_new("PixelPaddingValue", vr, value)
    if limit is not None:
        item.add_new("PixelPaddingRangeLimit", vr, limit)
    assert padding_range(item) == expected


def test_padding_is_found_in_stored_values() -> None:
    assert padding_range(header(BitsAllocated=16)) is None
    np.testing.assert_array_equal(padding_mask(np.array([[-1, 0, 5, 6]]), (0, 5)), [[False, True, True, False]])


def palette(bits: int, entries: list[int]) -> Dataset:
    item = header(PhotometricInterpretation="PALETTE COLOR", PixelRepresentation=0)
    for colour, shift in (("Red", 0), ("Green", 1), ("Blue", 2)):
        values = [entries[(number + shift) % len(entries)] for number in range(len(entries))]
        item.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [len(entries), 0, bits])
        data = np.array(values, np.uint8 if bits == 8 else "<u2").tobytes()
        item.add_new(f"{colour}PaletteColorLookupTableData", "OW", data)
    return item


@pytest.mark.parametrize(
    ("bits", "entries"), [(16, [0, 0x8000, 0xFF00, 0x1000]), (8, [0, 0x80, 0xFF, 0x10]), (16, [0, 0x80, 0xFF, 0x10])]
)
def test_palettes_of_eight_and_sixteen_bits(bits, entries) -> None:
    colours = palette_rgb(np.array([[0, 1], [2, 3]], np.uint8), palette(bits, entries))
    assert colours.dtype == np.uint8
    np.testing.assert_array_equal(colours[0, 0], [0, 0x80, 0xFF])
    np.testing.assert_array_equal(colours[1, 1], [0x10, 0, 0x80])


def test_a_missing_palette_is_refused() -> None:
    with pytest.raises(PixelsUnsupported):
        palette_rgb(np.zeros((2, 2), np.uint8), header(PhotometricInterpretation="PALETTE COLOR"))
