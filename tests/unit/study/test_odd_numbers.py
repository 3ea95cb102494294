"""Decimal elements that are no numbers: refused with a code and the tag where they are needed, nowhere a traceback."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from appliance.domain.errors import GeometryMissing, PixelsUnsupported, UnreadableObject
from appliance.domain.model_package import InputKind
from appliance.study.attributes import attribute, is_sound
from appliance.study.headers import series_of
from appliance.study.objects import read_object, tolerant
from appliance.study.reader import FileObjects, read_instance, read_series
from appliance.study.reference_headers import reference_header
from tests.helpers.dicom_builder import blob_phantom, ct_series, enhanced_ct, save

ODD = ("fat!", "1_0", "1_0\\1_0", "nan", "inf", "1e999", "--1", "0x10", "1,5", "١٢", "")
NEEDED = {
    "PixelSpacing": (GeometryMissing, "(0028,0030)"),
    "ImagePositionPatient": (GeometryMissing, "(0020,0032)"),
    "ImageOrientationPatient": (GeometryMissing, "(0020,0037)"),
    "RescaleSlope": (PixelsUnsupported, "(0028,1053)"),
    "RescaleIntercept": (PixelsUnsupported, "(0028,1052)"),
}
NOT_NEEDED = (
    "SliceThickness",
    "SpacingBetweenSlices",
    "WindowCenter",
    "InstanceNumber",
    "SeriesNumber",
    "PatientWeight",
)


def with_text(file: Path, keyword: str, text: str) -> Path:
    """The object with other bytes as the value of a DS or IS element, which no writer would write."""
    tag = Tag(tag_for_keyword(keyword))
    raw, head = file.read_bytes(), struct.pack("<HH", tag.group, tag.element) + dictionary_VR(tag).encode()
    at = raw.index(head, 132)
    (length,) = struct.unpack_from("<H", raw, at + 6)
    value = text.encode()
    value += b" " * (len(value) % 2)
    file.write_bytes(raw[: at + 6] + struct.pack("<H", len(value)) + value + raw[at + 8 + length :])
    return file


def files_with(folder: Path, keyword: str, text: str) -> dict[str, Path]:
    series = ct_series(blob_phantom((4, 20, 24)))
    for item in series:
        item.update({"SliceThickness": "2", "SpacingBetweenSlices": "2", "WindowCenter": "40", "PatientWeight": "70"})
        item.SeriesNumber = 1
    return {uid: with_text(file, keyword, text) for uid, file in save(series, folder).items()}


def read(files: dict[str, Path]) -> object:
    series = series_of([read_instance(file) for file in files.values()])
    return read_series(series, InputKind.VOLUME, FileObjects(files).open)


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("keyword", NEEDED)
def test_what_is_needed_is_refused_with_its_tag(tmp_path: Path, keyword: str, text: str) -> None:
    error, tag = NEEDED[keyword]
    with pytest.raises(error) as refused:
        read(files_with(tmp_path, keyword, text))
    assert tag in refused.value.what
    assert not text or text not in refused.value.what


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("keyword", NOT_NEEDED)
def test_what_is_not_needed_is_left_out_of_reading_and_of_results(tmp_path: Path, keyword: str, text: str) -> None:
    files = files_with(tmp_path, keyword, text)
    read(files)
    first = next(iter(files.values()))
    assert keyword not in read_instance(first).attributes
    with tolerant():
        header = reference_header(read_object(first, pixels=False))
    assert not header.get(keyword)


def test_a_faulty_number_within_an_enhanced_object_is_left_out_alone(tmp_path: Path) -> None:
    (file,) = save([enhanced_ct(blob_phantom((4, 20, 24)))], tmp_path).values()
    with_text(file, "SliceThickness", "1e9")
    raw = file.read_bytes().replace(b"1e9 ", b"1ee9", 1)
    file.write_bytes(raw)
    with tolerant():
        header = reference_header(read_object(file, pixels=False))
    groups = [*header.SharedFunctionalGroupsSequence, *header.PerFrameFunctionalGroupsSequence]
    measures = [item for group in groups for item in group.get("PixelMeasuresSequence", [])]
    assert measures
    assert "SliceThickness" not in measures[0]
    assert "PixelSpacing" in measures[0]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    text=st.text(max_size=16) | st.from_regex(r"[+\-0-9eE._ ]{0,16}", fullmatch=True), vr=st.sampled_from(["DS", "IS"])
)
def test_a_number_is_finite_and_as_written_or_there_is_none(text: str, vr: str) -> None:
    keyword = {"DS": "SliceThickness", "IS": "InstanceNumber"}[vr]
    tag, value = Tag(tag_for_keyword(keyword)), text.encode("utf-8", "replace")
    dataset = Dataset()
    dataset._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = attribute(dataset, keyword)
        for number in found if isinstance(found, tuple) else () if found is None else (found,):
            assert isinstance(number, (int, float))
            assert np.isfinite(number)
            assert vr == "DS" or abs(number) <= 2**31
            assert text.isascii()
            assert "_" not in text
        try:
            kept = dataset[tag].value
        except (ValueError, OverflowError):
            return
        assert found is None or is_sound(kept, vr)


def test_a_number_of_frames_that_is_none_is_refused_with_its_tag(tmp_path: Path) -> None:
    (item,) = ct_series(blob_phantom((1, 20, 24)))
    item.NumberOfFrames = 1
    file = with_text(save([item], tmp_path)[item.SOPInstanceUID], "NumberOfFrames", "0")
    with pytest.raises(UnreadableObject) as refused:
        read_instance(file)
    assert "(0028,0008)" in refused.value.what
