"""One object out of foreign bytes: a dataset or a refusal, whatever the bytes are."""

import threading
import warnings
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from appliance.domain.errors import InputRefused, InputTooLarge, UnreadableObject
from appliance.study.decoding import StoredFrames
from appliance.study.headers import instance_of
from appliance.study.objects import ReadLimits, read_object, tolerant
from tests.helpers.dicom_builder import blob_phantom, ct_series, projection, save


@pytest.fixture
def file_bytes(tmp_path: Path) -> bytes:
    (path,) = save([ct_series(blob_phantom((2, 8, 9)))[0]], tmp_path).values()
    return path.read_bytes()


@cache
def one_slice() -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, ct_series(blob_phantom((2, 8, 9)))[0], enforce_file_format=True)
    return buffer.getvalue()


def test_bytes_and_paths_are_read_alike(tmp_path: Path, file_bytes: bytes) -> None:
    path = tmp_path / "00000.dcm"
    assert read_object(file_bytes) == read_object(path) == dcmread(path)
    assert "PixelData" not in read_object(path, pixels=False)


@pytest.mark.parametrize("implicit", [False, True])
def test_an_object_without_preamble(tmp_path: Path, implicit: bool) -> None:
    item = ct_series(blob_phantom((2, 8, 9)))[0]
    item.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    path = tmp_path / "bare"
    dcmwrite(path, item, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    whole = path.read_bytes()
    start = whole.index(b"\x08\x00\x05\x00")
    dataset = read_object(whole[start:])
    assert dataset.file_meta.TransferSyntaxUID == item.file_meta.TransferSyntaxUID
    assert dataset.SOPInstanceUID == item.SOPInstanceUID
    np.testing.assert_array_equal(StoredFrames(dataset).decode(0), item.pixel_array)


def test_a_deflated_object_comes_back_inflated(tmp_path: Path) -> None:
    item = ct_series(blob_phantom((2, 8, 9)))[0]
    item.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    (path,) = save([item], tmp_path).values()
    dataset = read_object(path)
    assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    np.testing.assert_array_equal(StoredFrames(dataset).decode(0), item.pixel_array)


def test_a_deflate_bomb_is_refused(tmp_path: Path) -> None:
    item = projection(np.zeros((2000, 1000), np.uint16))
    item.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    (path,) = save([item], tmp_path).values()
    assert path.stat().st_size < 100_000
    with pytest.raises(InputTooLarge, match="inflates"):
        read_object(path, limits=ReadLimits(file_bytes=1_000_000))


def test_a_truncated_deflate_stream_is_refused(tmp_path: Path) -> None:
    item = ct_series(blob_phantom((2, 8, 9)))[0]
    item.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    (path,) = save([item], tmp_path).values()
    with pytest.raises(UnreadableObject, match="too early"):
        read_object(path.read_bytes()[:-100])


def test_a_large_file_is_refused_unread(file_bytes: bytes) -> None:
    with pytest.raises(InputTooLarge):
        read_object(file_bytes, limits=ReadLimits(file_bytes=100))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + b"\0" * 500, b"\x08\x00", b"\0" * 128 + b"DICM", b"{}" * 300])
def test_what_is_not_dicom_is_refused(content: bytes) -> None:
    with pytest.raises(InputRefused):
        read_object(content)
    with pytest.raises(UnreadableObject):
        read_object(content, pixels=False)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableObject) as refusal:
        read_object(tmp_path / "absent.dcm")
    assert refusal.value.where == "absent.dcm"


@settings(deadline=None, derandomize=True, max_examples=300)
@given(data=st.data())
def test_no_damage_raises_anything_but_a_refusal(data: st.DataObject) -> None:
    content = bytearray(one_slice())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(132, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(132, len(content)))]
    try:
        dataset = read_object(bytes(content))
        instance_of(dataset)
        with tolerant():
            StoredFrames(dataset).decode(0)
    except InputRefused:
        pass


def test_warnings_come_back_when_the_last_reader_leaves() -> None:
    inside, leave = threading.Event(), threading.Event()

    def read() -> None:
        with tolerant():
            inside.set()
            leave.wait(10)

    other = threading.Thread(target=read)
    other.start()
    inside.wait(10)
    with tolerant():
        warnings.warn("unheard", stacklevel=1)
    warnings.warn("still unheard", stacklevel=1)
    leave.set()
    other.join()
    with pytest.warns(UserWarning, match="heard again"):
        warnings.warn("heard again", stacklevel=1)
