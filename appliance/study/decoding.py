"""Stored pixel data to arrays, frame by frame, bit-exact for lossless syntaxes; damaged data is refused, never padded.

The decoder of each transfer syntax is chosen by measurement (one 512 x 512 16-bit frame, one core): RLE pylibjpeg
0.6 ms against pydicom 2.6; JPEG-LS pyjpegls 4.8 against gdcm 8.7; JPEG 2000 pylibjpeg 30.9 against gdcm 36.1. For JPEG
lossless it is pylibjpeg with 9.6 ms although gdcm takes 7.2: with damaged headers gdcm aborted the process in 15 of 400
trials, pylibjpeg never.

A second decoder stands by only where the first refuses valid frames and both are strict: pyjpegls fails on a NEMA
sample (MR1_JLSL) that gdcm reads exactly. A forgiving one would make up pixels for damaged data: pylibjpeg reads 97 %
of the damaged JPEG-LS frames that the other two refuse.
"""

from collections.abc import Sequence
from typing import Any

from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, RLELossless

from appliance.domain.errors import PixelsDamaged, PixelsUnsupported
from appliance.domain.image import Array
from appliance.study.codestreams import codestream_size, is_complete, rle_segments
from appliance.study.image_pixel import DECODERS, NATIVE, image_pixel


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
        return [view[start : start + length] for start in range(0, expected, length)]  # type: ignore[misc] # views, not copies

    def _encapsulated(self, data: bytes) -> Sequence[bytes]:
        count = self.pixel.number_of_frames
        try:
            frames = list(generate_frames(data, number_of_frames=count))
        except Exception as error:
            raise PixelsDamaged(f"the frames cannot be told apart ({type(error).__name__})") from error
        if len(frames) != count:
            raise PixelsDamaged(f"{len(frames)} frames of pixel data where the header promises {count}")
        return frames
