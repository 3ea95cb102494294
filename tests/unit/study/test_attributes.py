"""Plain values out of foreign elements; tests of whole headers are in test_headers.py."""

import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from appliance.study.attributes import attribute, numbers, plain, text
from tests.helpers.dicom_builder import blob_phantom, ct_series

SLICE = ct_series(blob_phantom((2, 8, 9)))[0]


def raw(keyword: str, vr: str, value: bytes) -> Dataset:
    item = Dataset()
    tag = Tag(keyword)
    item._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    return item


@pytest.mark.parametrize(
    ("value", "vr", "expected"),
    [
        (None, "LO", None),
        ("", "DS", None),
        ("  ", "LO", None),
        ("12", "IS", 12),
        ("12.5", "IS", 12.5),
        ("1e2", "DS", 100.0),
        ("inf", "DS", None),
        (["1", "2"], "DS", (1.0, 2.0)),
        (["1", ""], "DS", None),
        (["a", ""], "CS", ("a", "")),
        (["", ""], "CS", None),
        (MultiValue(float, ["1.5"]), "DS", (1.5,)),
        ("Thorax \0", "LO", "Thorax"),
    ],
)
def test_values_become_plain(value: object, vr: str, expected: object) -> None:
    assert plain(value, vr) == expected


def test_integers_stay_integers_and_decimals_become_floats() -> None:
    assert isinstance(attribute(SLICE, "InstanceNumber"), int)
    assert isinstance(attribute(SLICE, "SliceThickness"), float)


@pytest.mark.parametrize("keyword", ["SharedFunctionalGroupsSequence", "NoSuchKeyword", "PatientWeight"])
def test_sequences_unknown_words_and_absent_elements_have_no_value(keyword: str) -> None:
    item = Dataset()
    item.SharedFunctionalGroupsSequence = [Dataset()]
    assert attribute(item, keyword) is None


@pytest.mark.parametrize("value", [b"1.5\\2.5 ", b"1.5\\2.5\0"])
def test_ascii_is_read_without_the_library_to_the_same_values(value: bytes) -> None:
    assert attribute(raw("PixelSpacing", "DS", value), "PixelSpacing") == (1.5, 2.5)


def test_text_with_code_extensions_is_left_to_the_library() -> None:
    item = raw("SeriesDescription", "LO", b"\x1b$B;3ED\x1b(B")
    item.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    assert attribute(item, "SeriesDescription") == "山田"


@pytest.mark.parametrize(
    ("values", "count", "expected"),
    [
        ([1, 2, 3], 3, (1.0, 2.0, 3.0)),
        ([1, 2], 3, None),
        ([1], 1, (1.0,)),
    ],
)
def test_numbers_come_in_the_count_asked_for_or_not_at_all(values: list[float], count: int, expected: object) -> None:
    item = Dataset()
    item.ImagePositionPatient = values
    assert numbers(item, "ImagePositionPatient", count) == expected


def test_words_are_no_numbers() -> None:
    assert numbers(SLICE, "ImageType", 3) is None


def test_text_is_the_first_value_or_nothing() -> None:
    assert text(SLICE, "ImageType") == "ORIGINAL"
    assert text(SLICE, "InstanceNumber") == "1"
    assert text(SLICE, "PatientWeight") == ""
