"""Pixel data that is what the header promises is decoded; everything else is refused."""

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    MPEG2MPML,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from appliance.domain.errors import InputTooLarge, PixelsDamaged, PixelsUnsupported, UnsupportedTransferSyntax
from appliance.study.decoding import StoredFrames
from appliance.study.image_pixel import image_pixel
from tests.helpers.dicom_builder import blob_phantom, compressed, enhanced_ct, projection, set_pixels

SYNTAXES = (JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless)
by_name = pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)


def picture(dtype: type = np.uint16, shape: tuple[int, ...] = (40, 48)) -> np.ndarray:
    limits = np.iinfo(dtype)
    return np.random.default_rng(3).integers(limits.min // 2, limits.max // 2, shape).astype(dtype)


def shortened(item: Dataset, keep: float) -> Dataset:
    (frame,) = generate_frames(item.PixelData, number_of_frames=1)
    item.PixelData = encapsulate([frame[: int(len(frame) * keep) // 2 * 2]])
    return item


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16])
@by_name
def test_lossless_syntaxes_are_exact(syntax, dtype) -> None:
    pixels = picture(dtype)
    frames = StoredFrames(compressed(projection(pixels), syntax))
    np.testing.assert_array_equal(frames.decode(0), pixels)


@by_name
def test_frames_are_told_apart(syntax) -> None:
    phantom = blob_phantom()
    frames = StoredFrames(compressed(enhanced_ct(phantom), syntax))
    assert len(frames) == len(phantom.values)
    for index in (13, 0, 7):
        np.testing.assert_array_equal(frames.decode(index), phantom.values[index])


@pytest.mark.parametrize("keep", [0.02, 0.1, 0.5, 0.9, 0.99])
@by_name
def test_a_truncated_codestream_is_refused(syntax, keep) -> None:
    item = shortened(compressed(projection(picture(shape=(64, 64))), syntax), keep)
    with pytest.raises(PixelsDamaged):
        StoredFrames(item).decode(0)


@by_name
def test_a_codestream_of_another_size_is_refused(syntax) -> None:
    item = compressed(projection(picture(shape=(40, 48))), syntax)
    item.Rows = 44
    with pytest.raises(PixelsDamaged):
        StoredFrames(item).decode(0)


@pytest.mark.parametrize("count", [1, 13, 15])
def test_another_number_of_frames_than_promised_is_refused(count) -> None:
    item = compressed(enhanced_ct(blob_phantom()), RLELossless)
    item.NumberOfFrames = count
    with pytest.raises(PixelsDamaged):
        StoredFrames(item).decode(0)


@pytest.mark.parametrize("change", [-2, 2, 40 * 48 * 2])
def test_native_data_of_another_length_is_refused(change) -> None:
    item = projection(picture())
    item.PixelData = (item.PixelData + bytes(max(change, 0)))[: len(item.PixelData) + change]
    with pytest.raises(PixelsDamaged, match="bytes of pixel data"):
        StoredFrames(item)


def test_one_padding_byte_is_no_damage() -> None:
    pixels = picture(np.uint8, (3, 3))
    np.testing.assert_array_equal(StoredFrames(projection(pixels)).decode(0), pixels)


def test_big_endian() -> None:
    pixels = picture(np.int16)
    item = projection(pixels)
    item.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    item.PixelData = pixels.astype(">i2").tobytes()
    np.testing.assert_array_equal(StoredFrames(item).decode(0), pixels)


def test_unused_high_bits_are_ignored() -> None:
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    item = projection(pixels | 0xF000)
    item.BitsStored, item.HighBit = 12, 11
    np.testing.assert_array_equal(StoredFrames(item).decode(0), pixels)


@pytest.mark.parametrize("syntax", [MPEG2MPML, "1.2.840.10008.1.2.8.1", "1.2.3"])
def test_unknown_syntaxes_are_refused(syntax) -> None:
    item = projection(picture())
    item.file_meta.TransferSyntaxUID = syntax
    with pytest.raises(UnsupportedTransferSyntax):
        StoredFrames(item)


def test_twelve_bit_jpeg_needs_transcoding() -> None:
    item = projection(picture())
    item.file_meta.TransferSyntaxUID, item.BitsStored = JPEGExtended12Bit, 12
    with pytest.raises(UnsupportedTransferSyntax, match="DCMTK"):
        StoredFrames(item)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("Rows", None),
        ("Rows", 0),
        ("BitsAllocated", None),
        ("BitsAllocated", 1),
        ("BitsAllocated", 12),
        ("BitsStored", 17),
        ("SamplesPerPixel", 2),
        ("SamplesPerPixel", 3),
        ("PhotometricInterpretation", None),
        ("PhotometricInterpretation", "HSV"),
        ("PhotometricInterpretation", "RGB"),
    ],
)
def test_contradicting_attributes_are_refused(keyword, value) -> None:
    item = projection(picture())
    if value is None:
        del item[keyword]
    else:
        setattr(item, keyword, value)
    with pytest.raises(PixelsUnsupported):
        StoredFrames(item)


def test_colour_with_sixteen_bits_is_refused() -> None:
    item = projection(np.zeros((4, 4, 3), np.uint16), modality="OT", photometric="RGB")
    with pytest.raises(PixelsUnsupported, match="16 bits"):
        StoredFrames(item)


def test_no_pixel_data() -> None:
    item = projection(picture())
    del item.PixelData
    assert image_pixel(item).rows == 40
    with pytest.raises(PixelsUnsupported, match="no pixel data"):
        StoredFrames(item)


def test_a_frame_above_the_limit_is_refused() -> None:
    with pytest.raises(InputTooLarge):
        StoredFrames(projection(picture()), frame_pixels=100)


def test_colour_comes_as_rgb() -> None:
    ybr = np.zeros((2, 2, 3), np.uint8)
    ybr[...] = (76, 85, 255)  # red (PS3.3 C.7.6.3.1.2)
    item = projection(ybr, modality="US", photometric="YBR_FULL")
    assert np.abs(StoredFrames(item).decode(0).astype(int) - (255, 0, 0)).max() <= 2
    planar = picture(np.uint8, (4, 6, 3))
    item = projection(planar, modality="US", photometric="RGB")
    item.PlanarConfiguration = 1
    item.PixelData = np.ascontiguousarray(planar.transpose(2, 0, 1)).tobytes()
    np.testing.assert_array_equal(StoredFrames(item).decode(0), planar)


def test_subsampled_colour_has_two_samples_per_pixel() -> None:
    item = projection(np.zeros((2, 4, 3), np.uint8), modality="US", photometric="YBR_FULL_422")
    item.PixelData = bytes([76, 76, 85, 255] * 4)
    red = StoredFrames(item).decode(0)
    assert red.shape == (2, 4, 3)
    assert np.abs(red.astype(int) - (255, 0, 0)).max() <= 2


def test_native_frames_of_a_loop() -> None:
    loop = picture(np.uint8, (5, 4, 6))
    item = projection(loop[0], modality="US")
    set_pixels(item, loop)
    item.NumberOfFrames = 5
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    np.testing.assert_array_equal(StoredFrames(item).decode(3), loop[3])
