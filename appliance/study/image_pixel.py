"""The Image Pixel Module (PS3.3 C.7.6.3), checked for what can be decoded before any pixel is touched."""

from dataclasses import dataclass
from types import MappingProxyType

from pydicom import Dataset
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

from appliance.domain.errors import InputTooLarge, PixelsUnsupported, UnsupportedTransferSyntax
from appliance.study.attributes import attribute, tagged, text

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
        raise PixelsUnsupported(f"{tagged(keyword)} is missing or not a number")
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
