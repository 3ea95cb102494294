"""What a codestream says about itself, read before any decoder sees it.

Decoders write as many samples as the codestream announces; some write them past the end of a buffer that was made for
what the header announces, and take the process with them. So the two must agree first.
"""

import struct
from dataclasses import dataclass

from pydicom.uid import HTJ2K, JPEG2000, UID, HTJ2KLossless, HTJ2KLosslessRPCL, JPEG2000Lossless

JPEG2000_FAMILY = frozenset({JPEG2000, JPEG2000Lossless, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL})
CODESTREAM_START = b"\xff\x4f\xff\x51"  # SOC and SIZ of JPEG 2000 (T.800 A.4.1, A.5.1)
CODESTREAM_END = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
TRAILING_BYTES = 64  # padding that writers put behind the end marker
FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})  # SOF of T.81 table B.1 and of T.87
STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
RLE_HEADER = 64


@dataclass(frozen=True, slots=True)
class CodestreamSize:
    """Rows, columns, components and bits per component that a codestream announces."""

    rows: int
    columns: int
    components: int
    precision: int


def is_complete(frame: bytes) -> bool:
    """Whether the codestream has its end marker."""
    return CODESTREAM_END in frame[-TRAILING_BYTES:]


def codestream_size(frame: bytes, transfer_syntax_uid: str) -> CodestreamSize | None:
    """What the frame announces, or None when it is no codestream of that syntax (PS3.5 A.4)."""
    try:
        if UID(transfer_syntax_uid) in JPEG2000_FAMILY:
            return _jpeg2000_size(frame)
        return _jpeg_size(frame)
    except (struct.error, IndexError):
        return None


def rle_segments(frame: bytes) -> int | None:
    """Number of RLE segments, or None when the offsets make no sense (PS3.5 G.5)."""
    if len(frame) < RLE_HEADER:
        return None
    count, *offsets = struct.unpack_from("<16I", frame)
    if not 1 <= count <= 15:
        return None
    used = offsets[:count]
    in_order = used[0] == RLE_HEADER and used == sorted(set(used)) and used[-1] < len(frame)
    return count if in_order else None


def _jpeg_size(frame: bytes) -> CodestreamSize | None:
    """Walk the marker segments up to the frame header (T.81 B.2.2)."""
    if frame[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 4 <= len(frame):
        if frame[position] != 0xFF:
            return None
        marker = frame[position + 1]
        if marker == 0xFF or marker in STANDALONE:
            position += 1 if marker == 0xFF else 2
            continue
        if marker in FRAME_HEADERS:
            precision, rows, columns, components = struct.unpack_from(">BHHB", frame, position + 4)
            return CodestreamSize(rows, columns, components, precision)
        position += 2 + max(2, int.from_bytes(frame[position + 2 : position + 4], "big"))
    return None


def _jpeg2000_size(frame: bytes) -> CodestreamSize | None:
    start = frame.find(CODESTREAM_START, 0, 4096)
    if start < 0:
        return None
    columns, rows, left, top = struct.unpack_from(">4I", frame, start + 8)
    (components,) = struct.unpack_from(">H", frame, start + 40)
    precision = max((value & 0x7F) + 1 for value in frame[start + 42 : start + 42 + 3 * components : 3])
    return CodestreamSize(rows - top, columns - left, components, precision)
