"""Codestreams are asked what they hold before a decoder trusts the header, and damaged ones say nothing."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import generate_frames
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from appliance.study.codestreams import CodestreamSize, codestream_size, is_complete, rle_segments
from tests.helpers.dicom_builder import compressed, projection

PIXELS = np.arange(10 * 14, dtype=np.uint16).reshape(10, 14)


def frame_of(transfer_syntax: str) -> bytes:
    item = compressed(projection(PIXELS), transfer_syntax)
    return next(generate_frames(item.PixelData, number_of_frames=1))


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless])
def test_real_codestreams_tell_their_size(syntax: str) -> None:
    frame = frame_of(syntax)
    assert codestream_size(frame, syntax) == CodestreamSize(10, 14, 1, 16)
    assert is_complete(frame)


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless])
def test_a_codestream_without_its_end_is_not_complete(syntax: str) -> None:
    frame = frame_of(syntax)
    assert not is_complete(frame[: len(frame) // 2])


def test_padding_behind_the_end_is_no_damage() -> None:
    assert is_complete(frame_of(JPEGLSLossless) + bytes(32))


def test_segments_before_the_frame_header_are_walked_over() -> None:
    comment = b"\xff\xfe" + struct.pack(">H", 6) + b"text"
    fill = b"\xff\xff"
    header = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, 480, 640, 3) + bytes(9)
    frame = b"\xff\xd8" + comment + fill[:1] + header
    assert codestream_size(frame, JPEGBaseline8Bit) == CodestreamSize(480, 640, 3, 8)


def test_huffman_tables_are_no_frame_header() -> None:
    table = b"\xff\xc4" + struct.pack(">H", 19) + bytes(17)
    header = b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, 4, 6, 1) + bytes(9)
    assert codestream_size(b"\xff\xd8" + table + header, JPEGBaseline8Bit) == CodestreamSize(4, 6, 1, 8)


def test_a_jpeg_2000_image_begins_at_its_offset() -> None:
    size = struct.pack(">8I", 110, 220, 10, 20, 110, 220, 0, 0)
    frame = b"\xff\x4f\xff\x51" + struct.pack(">HH", 47, 0) + size + struct.pack(">H", 3) + bytes([11, 1, 1] * 3)
    assert codestream_size(frame, JPEG2000Lossless) == CodestreamSize(200, 100, 3, 12)


@pytest.mark.parametrize(
    ("frame", "syntax"),
    [
        (b"", JPEGBaseline8Bit),
        (b"\xff\xd8", JPEGBaseline8Bit),
        (b"\xff\xd8\xff\xc0\x00", JPEGBaseline8Bit),
        (b"\xff\xd8no marker", JPEGBaseline8Bit),
        (b"", JPEG2000Lossless),
        (b"\xff\x4f\xff\x51\x00\x00", JPEG2000Lossless),
    ],
)
def test_what_is_no_codestream_says_nothing(frame: bytes, syntax: str) -> None:
    assert codestream_size(frame, syntax) is None


@given(st.binary(max_size=200), st.sampled_from([JPEGBaseline8Bit, JPEG2000Lossless]))
def test_noise_never_raises(noise: bytes, syntax: str) -> None:
    beginning = b"\xff\x4f\xff\x51" if syntax == JPEG2000Lossless else b"\xff\xd8"
    assert codestream_size(beginning + noise, syntax) is None or isinstance(
        codestream_size(beginning + noise, syntax), CodestreamSize
    )
    rle_segments(noise)


def test_rle_frames_tell_their_segments() -> None:
    assert rle_segments(frame_of(RLELossless)) == 2


@pytest.mark.parametrize(
    "offsets",
    [(0,), (16, *[64] * 15), (1, 60), (2, 64, 64), (2, 80, 64), (1, 9999), (2, 64, 9999)],
    ids=["none", "too many", "inside the header", "twice", "backwards", "beyond", "second beyond"],
)
def test_rle_offsets_without_sense_are_refused(offsets: tuple[int, ...]) -> None:
    header = struct.pack("<16I", *(offsets + (0,) * 16)[:16])
    assert rle_segments(header + bytes(64)) is None


def test_an_rle_frame_shorter_than_its_header_is_refused() -> None:
    assert rle_segments(bytes(63)) is None
