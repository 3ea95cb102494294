"""Stored pixel data to arrays, frame by frame, bit-exact for lossless syntaxes; damaged data is refused, never padded.

The decoder of each transfer syntax is chosen by measurement (one 512 x 512 16-bit frame, one core): RLE pylibjpeg
0.6 ms against pydicom 2.6; JPEG-LS pyjpegls 4.8 against gdcm 8.7; JPEG 2000 pylibjpeg 30.9 against gdcm 36.1. For JPEG
lossless it is pylibjpeg with 9.6 ms although gdcm takes 7.2: with damaged headers gdcm aborted the process in 15 of 400
trials, pylibjpeg never.

A second decoder stands by only where the first refuses valid frames and both are strict: pyjpegls fails on a NEMA sample
(MR1_JLSL) that gdcm reads exactly. A forgiving one would make up pixels for damaged data: pylibjpeg reads 97 % of the
damaged JPEG-LS frames that the other two refuse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from appliance.domain.errors import InputTooLarge, PixelsDamaged, PixelsUnsupported, UnsupportedTransferSyntax
from appliance.domain.image import Array
from appliance.study.attributes import attribute, text
from appliance.study.codestreams import codestream_size, is_complete, rle_segments

NATIVE = frozenset(
    {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}
)
DECODERS = MappingProxyType(
    {
        RLELossless: ("pylibjpeg",),
        JPEGBaseline8Bit: ("pylibjpeg",),
        JPEGExtended12Bit: ("pylibjpeg",),
        JPEGLossless: ("pylibjpeg",),
        JPEGLosslessSV1: ("pylibjpeg",),
        JPEGLSLossless: ("pyjpegls", "gdcm"),
        JPEGLSNearLossless: ("pyjpegls", "gdcm"),
        JPEG2000Lossless: ("pylibjpeg",),
        JPEG2000: ("pylibjpeg",),
        HTJ2KLossless: ("pylibjpeg",),
        HTJ2KLosslessRPCL: ("pylibjpeg",),
        HTJ2K: ("pylibjpeg",),
    }
)
GREY = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
BITS = MappingProxyType({"PixelData": (8, 16, 32), "FloatPixelData": (32,), "DoubleFloatPixelData": (64,)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePixel:
    """The Image Pixel Module (PS3.3 C.7.6.3) of one object, checked for what can be decoded."""

    transfer_syntax_uid: str
    keyword: str
    vr: str
    rows: int
    columns: int
    samples: int
    photometric_interpretation: str
    planar_configuration: int
    bits_allocated: int
    bits_stored: int
    pixel_representation: int
    number_of_frames: int

    @property
    def frame_bytes(self) -> int:
        """Length of one uncompressed frame; 4:2:2 stores two samples per pixel (C.7.6.3.1.2)."""
        samples = 2 if self.photometric_interpretation == "YBR_FULL_422" and self.samples == 3 else self.samples
        return self.rows * self.columns * samples * self.bits_allocated // 8


def image_pixel(dataset: Dataset, *, frame_pixels: int = 200_000_000) -> ImagePixel:
    """Read the Image Pixel Module; the pixel data itself need not be there.

    Raises UnsupportedTransferSyntax, PixelsUnsupported, InputTooLarge.
    """
    keyword = next((keyword for keyword in PIXEL_KEYWORDS if keyword in dataset), "PixelData")
    pixel = ImagePixel(
        transfer_syntax_uid=text(dataset.file_meta, "TransferSyntaxUID"),
        keyword=keyword,
        vr=dataset.get_item(keyword).VR or "OW" if keyword in dataset else "OW",
        rows=_count(dataset, "Rows"),
        columns=_count(dataset, "Columns"),
        samples=_count(dataset, "SamplesPerPixel", 1),
        photometric_interpretation=text(dataset, "PhotometricInterpretation"),
        planar_configuration=_count(dataset, "PlanarConfiguration", 0),
        bits_allocated=_count(dataset, "BitsAllocated"),
        bits_stored=_count(dataset, "BitsStored", _count(dataset, "BitsAllocated")),
        pixel_representation=_count(dataset, "PixelRepresentation", 0),
        number_of_frames=_count(dataset, "NumberOfFrames", 1),
    )
    _refuse_syntax(pixel)
    _refuse_layout(pixel)
    if pixel.rows * pixel.columns > frame_pixels:
        raise InputTooLarge(f"{pixel.rows} x {pixel.columns} pixels in one frame, the limit is {frame_pixels}")
    return pixel


def _count(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    value = attribute(dataset, keyword)
    if value is None and default is not None:
        return default
    if not isinstance(value, int):
        raise PixelsUnsupported(f"{keyword} is missing or not a number")
    return value


def _refuse_syntax(pixel: ImagePixel) -> None:
    syntax = pixel.transfer_syntax_uid
    if syntax not in NATIVE and syntax not in DECODERS:
        raise UnsupportedTransferSyntax(f"no decoder for {UID(syntax).name or 'an unnamed transfer syntax'}")
    if _is_twelve_bit_jpeg(syntax, pixel.bits_stored):
        raise UnsupportedTransferSyntax("JPEG Extended with 12-bit samples has to be transcoded by DCMTK first")


def _refuse_layout(pixel: ImagePixel) -> None:
    expected = {1: GREY, 3: COLOUR}.get(pixel.samples, ())
    if pixel.photometric_interpretation not in expected:
        photometric = pixel.photometric_interpretation or "no photometric interpretation"
        raise PixelsUnsupported(f"{pixel.samples} samples per pixel as {photometric}")
    if pixel.rows < 1 or pixel.columns < 1 or pixel.number_of_frames < 1:
        raise PixelsUnsupported("an image without rows, columns or frames")
    if pixel.bits_allocated not in BITS[pixel.keyword] or not 1 <= pixel.bits_stored <= pixel.bits_allocated:
        raise PixelsUnsupported(f"{pixel.bits_stored} bits stored in {pixel.bits_allocated}")
    if pixel.samples == 3 and pixel.bits_allocated != 8:
        raise PixelsUnsupported(f"colour with {pixel.bits_allocated} bits per sample")


def needs_transcoding(dataset: Dataset) -> bool:
    """Whether the pixels are 12-bit JPEG Extended, which no library here decodes."""
    return _is_twelve_bit_jpeg(text(dataset.file_meta, "TransferSyntaxUID"), attribute(dataset, "BitsStored"))


def _is_twelve_bit_jpeg(transfer_syntax_uid: str, bits_stored: object) -> bool:
    return transfer_syntax_uid == JPEGExtended12Bit and isinstance(bits_stored, int) and bits_stored > 8


class StoredFrames:
    """The frames of one object, cut out of its pixel data and decoded one by one; safe to use from several threads."""

    def __init__(self, dataset: Dataset, *, frame_pixels: int = 200_000_000) -> None:
        self.pixel = image_pixel(dataset, frame_pixels=frame_pixels)
        if self.pixel.keyword not in dataset:
            raise PixelsUnsupported("no pixel data in the object")
        data = dataset[self.pixel.keyword].value
        if not isinstance(data, bytes):
            raise PixelsDamaged("the pixel data has no value")
        self._frames = self._native(data) if self.pixel.transfer_syntax_uid in NATIVE else self._encapsulated(data)

    def __len__(self) -> int:
        return self.pixel.number_of_frames

    def decode(self, index: int) -> Array:
        """Stored values of frame `index` (from 0): [row, column] as stored, or uint8 [row, column, 3] RGB.

        Raises PixelsDamaged when no decoder can read the frame, PixelsUnsupported for an unknown colour space.
        """
        if self.pixel.transfer_syntax_uid in NATIVE:
            return self._decode(self._frames[index], None)
        self._refuse_disagreement(index)
        encoded = encapsulate([self._frames[index]], has_bot=False)
        failures = []
        for plugin in DECODERS[UID(self.pixel.transfer_syntax_uid)]:
            try:
                return self._decode(encoded, plugin)
            except (PixelsUnsupported, KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 - a panic of the RLE decoder (Rust) is no Exception
                failures.append(f"{plugin}: {type(error).__name__}")
        raise PixelsDamaged(f"frame {index + 1} does not decode ({', '.join(failures)})")

    def _refuse_disagreement(self, index: int) -> None:
        """The frame must announce what the header announces, and be whole."""
        pixel, frame = self.pixel, self._frames[index]
        if pixel.transfer_syntax_uid == RLELossless:
            if rle_segments(frame) != pixel.samples * pixel.bits_allocated // 8:
                raise PixelsDamaged(f"the RLE segments of frame {index + 1} are not those of the header")
            return
        size = codestream_size(frame, pixel.transfer_syntax_uid)
        if size is None or not is_complete(frame):
            raise PixelsDamaged(f"the codestream of frame {index + 1} has no {'beginning' if size is None else 'end'}")
        agrees = (size.rows, size.columns, size.components) == (pixel.rows, pixel.columns, pixel.samples)
        if not agrees or not 1 <= size.precision <= pixel.bits_allocated:
            raise PixelsDamaged(
                f"frame {index + 1} announces {size.rows} x {size.columns} x {size.components}, {size.precision} bits, "
                f"the header {pixel.rows} x {pixel.columns} x {pixel.samples}, {pixel.bits_allocated} bits"
            )

    def _decode(self, encoded: bytes, plugin: str | None) -> Array:
        pixel = self.pixel
        options: dict[str, Any] = {
            "rows": pixel.rows,
            "columns": pixel.columns,
            "number_of_frames": 1,
            "samples_per_pixel": pixel.samples,
            "photometric_interpretation": pixel.photometric_interpretation,
            "bits_allocated": pixel.bits_allocated,
            "bits_stored": pixel.bits_stored,
            "pixel_keyword": pixel.keyword,
            "pixel_vr": pixel.vr,
        }
        if pixel.keyword == "PixelData":
            options["pixel_representation"] = pixel.pixel_representation
        if pixel.samples > 1:
            options["planar_configuration"] = pixel.planar_configuration
        decoder = get_decoder(pixel.transfer_syntax_uid)
        values, properties = decoder.as_array(encoded, decoding_plugin=plugin or "", **options)
        if pixel.samples == 3 and properties["photometric_interpretation"] != "RGB":
            raise PixelsUnsupported(f"no conversion from {properties['photometric_interpretation']} to RGB")
        return values

    def _native(self, data: bytes) -> Sequence[bytes]:
        length = self.pixel.frame_bytes
        expected = length * self.pixel.number_of_frames
        if len(data) not in (expected, expected + expected % 2):
            raise PixelsDamaged(f"{len(data)} bytes of pixel data where the header promises {expected}")
        view = memoryview(data)
        return [view[start : start + length] for start in range(0, expected, length)]  # type: ignore[misc]

    def _encapsulated(self, data: bytes) -> Sequence[bytes]:
        count = self.pixel.number_of_frames
        try:
            frames = list(generate_frames(data, number_of_frames=count))
        except Exception as error:
            raise PixelsDamaged(f"the frames cannot be told apart ({type(error).__name__})") from error
        if len(frames) != count:
            raise PixelsDamaged(f"{len(frames)} frames of pixel data where the header promises {count}")
        return frames
