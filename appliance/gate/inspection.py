"""The gate itself: one object in, what it is or why it stays out."""

import mmap
import os
import re
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from .elements import UNDEFINED, Found, Walk
from .encoding import LONG, READERS, SHORT
from .limits import Limits
from .reasons import Reason, Refused

Buffer = bytes | bytearray | memoryview | mmap.mmap
DEFAULT_LIMITS = Limits()
PREAMBLE = 128
IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
_ENCAPSULATED = re.compile(r"1\.2\.840\.10008\.1\.2\.(?:5|4\.\d{2,3}|8\.1)")
_REFERENCED = frozenset({"1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95"})
_VIDEO = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.10\d(\.1)?")
_LONG_IN_META = LONG - {b"SQ"}
_explicit_header, _, _length = READERS["<"]
_UID = re.compile(r"[0-9.]{1,64}")

_SYNTAX = 0x00020010
_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES = 0x00080016, 0x00080018, 0x0020000D, 0x0020000E
_SAMPLES, _PHOTOMETRIC, _FRAMES = 0x00280002, 0x00280004, 0x00280008
_ROWS, _COLUMNS, _BITS = 0x00280010, 0x00280011, 0x00280100
_IDENTITY = (_SOP_CLASS, _SOP_INSTANCE, _STUDY, _SERIES)
_WANTED = frozenset({*_IDENTITY, _SAMPLES, _PHOTOMETRIC, _FRAMES, _ROWS, _COLUMNS, _BITS})


class Inspected(NamedTuple):
    """An object that may come in. `foreign_preamble`: its first 128 bytes are not zero, as PS3.10 7.1 allows and
    attackers like; they are to be zeroed wherever the object is written."""

    transfer_syntax: str
    sop_class: str
    sop_instance: str
    study: str
    series: str
    foreign_preamble: bool
    elements: int
    depth: int


def inspect(content: Buffer, limits: Limits = DEFAULT_LIMITS) -> Inspected:
    """Look at one object (anything with the buffer protocol, PS3.10 or bare). Raises Refused."""
    data = memoryview(content).cast("B")
    if len(data) > limits.object_bytes:
        raise Refused(Reason.TOO_LARGE, f"{len(data)} bytes, the limit is {limits.object_bytes}")
    has_preamble = bytes(data[PREAMBLE : PREAMBLE + 4]) == b"DICM"
    foreign_preamble = has_preamble and any(data[:PREAMBLE])
    syntax, start = _meta_header(data, PREAMBLE + 4, limits) if has_preamble else _bare(data, limits)
    if syntax == DEFLATED:
        data, start = _inflated(data, start, limits), 0
    implicit, big_endian = _encoding(syntax, data, start)
    walk = Walk(data, implicit=implicit, big_endian=big_endian, limits=limits, wanted=_WANTED)
    values = _Values(data, walk.found.places, ">" if big_endian else "<")
    try:
        found = walk.run(start)
        sop_class, sop_instance, study, series = (values.uid(tag) for tag in _IDENTITY)
        _check_image(found, values, syntax, limits)
    except Refused as refusal:
        refusal.study = values.uid_or_nothing(_STUDY)
        refusal.sop_class = values.uid_or_nothing(_SOP_CLASS)
        refusal.sop_instance = values.uid_or_nothing(_SOP_INSTANCE)
        raise
    return Inspected(
        transfer_syntax=syntax,
        sop_class=sop_class,
        sop_instance=sop_instance,
        study=study,
        series=series,
        foreign_preamble=foreign_preamble,
        elements=found.elements,
        depth=found.depth,
    )


def inspect_file(path: str | os.PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Inspected:
    """Look at one file without reading it into memory. Raises Refused, OSError."""
    with Path(path).open("rb") as file:
        if not file.seek(0, 2):
            raise Refused(Reason.NOT_DICOM, "an empty file")
        return inspect(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), limits)


def _meta_header(data: memoryview, start: int, limits: Limits) -> tuple[str, int]:
    """Transfer syntax, and where the data set begins (PS3.10 7.1: Explicit VR Little Endian, group 0002)."""
    end, size = start, len(data)
    places: dict[int, tuple[int, int]] = {}
    while end + 8 <= size:
        group, element, vr, length = _explicit_header(data, end)
        if group != 2:
            break
        value = end + 8
        if vr in _LONG_IN_META:
            value += 4
            length = _length(data, end + 8)[0] if value <= size else UNDEFINED
        elif vr not in SHORT:
            raise Refused(Reason.META_HEADER, f"(0002,{element:04X}) has no VR of a meta element")
        if value + length > size:
            raise Refused(Reason.META_HEADER, f"(0002,{element:04X}) is longer than what is there")
        if element in places:
            raise Refused(Reason.DUPLICATE, f"(0002,{element:04X}) twice")
        places[element] = value, length
        end = value + length
        if len(places) > limits.level_elements:
            raise Refused(Reason.ELEMENTS, f"more than {limits.level_elements} elements side by side")
    values = _Values(data, {0x00020000 | element: place for element, place in places.items()}, "<")
    promised = values.number(0x00020000)
    if promised is not None and promised != end - start - 12:
        raise Refused(Reason.META_HEADER, f"the group length says {promised}, there are {end - start - 12} bytes")
    return values.uid(_SYNTAX) if _SYNTAX & 0xFFFF in places else "", end


def _bare(data: memoryview, limits: Limits) -> tuple[str, int]:
    """Without a preamble an object must begin with its meta header or its identifying group."""
    group = struct.unpack_from("<H", data)[0] if len(data) >= 8 else 0
    if group == 0x0002:
        return _meta_header(data, 0, limits)
    if group not in (0x0008, 0x0800):
        raise Refused(Reason.NOT_DICOM, "neither a preamble nor an element of group 0008 at the beginning")
    return "", 0


def _encoding(syntax: str, data: memoryview, start: int) -> tuple[bool, bool]:
    """Implicit?, big endian?; looked up by the transfer syntax, or looked at where none is named."""
    if syntax == "":
        big_endian = bytes(data[start : start + 2]) == b"\x00\x08"
        return bytes(data[start + 4 : start + 6]) not in SHORT | LONG, big_endian
    if syntax == IMPLICIT_LITTLE:
        return True, False
    if syntax == EXPLICIT_BIG:
        return False, True
    if syntax in (EXPLICIT_LITTLE, DEFLATED) or (_ENCAPSULATED.fullmatch(syntax) and syntax not in _REFERENCED):
        return False, False
    raise Refused(Reason.TRANSFER_SYNTAX, f"transfer syntax {syntax}")


def _inflated(data: memoryview, start: int, limits: Limits) -> memoryview:
    """The data set of a Deflated object (PS3.5 A.5), as long as it stays below the limit."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(data[start:], limits.inflated_bytes)
    except zlib.error:
        raise Refused(Reason.INFLATION, "the deflated data set is damaged") from None
    if inflater.unconsumed_tail or not inflater.eof:
        raise Refused(Reason.INFLATION, f"ends too early, or inflates to more than {limits.inflated_bytes} bytes")
    return memoryview(content)


class _Values:
    """The few values that the gate reads."""

    def __init__(self, data: memoryview, places: dict[int, tuple[int, int]], order: str) -> None:
        self._data = data
        self._places = places
        self._order = order

    def text(self, tag: int, most: int = 128) -> str | None:
        """The value as ASCII text; "" where it is missing, None where it is no such text."""
        if tag not in self._places:
            return ""
        at, length = self._places[tag]
        if length > most:
            return None
        try:
            return str(self._data[at : at + length], "ascii").strip(" \0")
        except UnicodeDecodeError:
            return None

    def uid(self, tag: int) -> str:
        """A UID (PS3.5 9.1, leading zeros allowed). Raises Refused."""
        text = self.text(tag)
        if text == "":
            raise Refused(Reason.UID_MISSING, f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is missing")
        if text is None or not _UID.fullmatch(text) or ".." in text or "." in (text[0], text[-1]):
            raise Refused(Reason.UID_INVALID, f"({tag >> 16:04X},{tag & 0xFFFF:04X}) is no UID")
        return text

    def uid_or_nothing(self, tag: int) -> str:
        """A UID, "" where there is none or no good one."""
        try:
            return self.uid(tag)
        except Refused:
            return ""

    def number(self, tag: int) -> int | None:
        """An unsigned number of two or four bytes; None where it is missing."""
        at, length = self._places.get(tag, (0, 0))
        if length not in (2, 4):
            return None
        number: int = struct.unpack_from(self._order + ("H" if length == 2 else "I"), self._data, at)[0]
        return number


def _check_image(found: Found, values: _Values, syntax: str, limits: Limits) -> None:
    """Size and pixel data agree with each other and with the limits (PS3.3 C.7.6.3)."""
    rows, columns = values.number(_ROWS), values.number(_COLUMNS)
    frames = _frames(values)
    if rows is None or columns is None:
        return
    samples, bits = values.number(_SAMPLES) or 1, values.number(_BITS) or 8
    if rows * columns > limits.frame_pixels or frames > limits.frames:
        raise Refused(Reason.IMAGE_SIZE, f"{frames} frames of {rows} x {columns} pixels")
    if values.text(_PHOTOMETRIC) in ("YBR_FULL_422", "YBR_PARTIAL_422") and samples == 3:
        samples = 2
    needed = (rows * columns * samples * bits * frames + 7) // 8
    if needed > limits.decoded_bytes:
        raise Refused(Reason.IMAGE_SIZE, f"{frames} frames of {rows} x {columns} x {samples} pixels of {bits} bits")
    if found.pixel_length is None:
        return
    if found.pixel_length == UNDEFINED:
        if not _VIDEO.fullmatch(syntax) and found.fragments - 1 < frames:
            raise Refused(Reason.PIXEL_DATA, f"{frames} frames in {max(0, found.fragments - 1)} fragments")
    elif found.pixel_length < needed:
        raise Refused(Reason.PIXEL_DATA, f"{found.pixel_length} bytes of pixel data where {needed} are needed")


def _frames(values: _Values) -> int:
    text = values.text(_FRAMES)
    if text == "":
        return 1
    if text is None or not text.lstrip("+").isdigit() or len(text) > 12:
        raise Refused(Reason.IMAGE_SIZE, "Number of Frames is no count")
    return int(text)
