"""The walk over raw elements (PS3.5 section 7): no recursion, no value is read, no library is asked.

One loop with a stack of its own. Speed matters here, since a sender waits for it: an element costs well below a
microsecond, values are stepped over, and only the places of a few top-level elements are remembered.

Parsers disagree about what is damaged. The walk follows the strict reading, and where a value only may be a sequence
(UN, or anything in Implicit VR) it goes inside to count depth and elements, and takes the value as opaque when it
turns out to be none.
"""

from typing import NamedTuple

from .encoding import IN_FRAGMENTS, LONG, READERS, SHORT
from .limits import Limits
from .reasons import Reason, Refused

UNDEFINED, PIXEL_DATA = 0xFFFFFFFF, 0x7FE00010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xE000, 0xE00D, 0xE0DD
_ITEM_BYTES = {"<": b"\xfe\xff\x00\xe0", ">": b"\xff\xfe\xe0\x00"}


class Found:
    """What a walk found: the place (offset, length) of each wanted top-level element, and how much there is of what.

    `pixel_length` is None without pixel data and UNDEFINED for encapsulated ones; `fragments` counts their items,
    the offset table among them.
    """

    __slots__ = ("depth", "elements", "fragments", "pixel_length", "places")

    def __init__(self) -> None:
        self.places: dict[int, tuple[int, int]] = {}
        self.elements = 0
        self.depth = 0
        self.pixel_length: int | None = None
        self.fragments = 0


class _Malformed(Exception):
    """Not what the standard says; the whole object is refused unless it was a guess."""


class _Level(NamedTuple):
    """Where the walk is: in a sequence (of items) or among elements, up to where, and in which encoding."""

    in_sequence: bool
    end: int
    delimited: bool
    implicit: bool
    elements: int


_Entry = tuple[bool, int, bool, bool, int, bool, int | None]
"""The fields of the level outside; whether a sequence was entered; where its value ends if it only may be one."""


class Walk:
    """One walk over `data` (memoryview of bytes) in one encoding; `run` may be called once."""

    def __init__(
        self,
        data: memoryview,
        *,
        implicit: bool,
        big_endian: bool,
        limits: Limits,
        wanted: frozenset[int] = frozenset(),
    ) -> None:
        order = ">" if big_endian else "<"
        self._data = data
        self._implicit = implicit
        self._limits = limits
        self._wanted = wanted
        self._item = _ITEM_BYTES[order]
        self._explicit_header, self._plain_header, self._long_length = READERS[order]
        self._stack: list[_Entry] = []
        self._depth = 0
        self.found = Found()

    def run(self, start: int) -> Found:
        """Walk from `start` to the end of the data. Raises Refused."""
        pos, state = start, _Level(False, len(self._data), False, self._implicit, 0)
        while True:
            try:
                self._walk(pos, state)
                return self.found
            except _Malformed as fault:
                guessed = self._leave_guess()
                if guessed is None:
                    raise Refused(Reason.STRUCTURE, str(fault)) from None
                pos, state = guessed

    def _leave_guess(self) -> tuple[int, _Level] | None:
        """Out of the innermost value that was only guessed to be a sequence: where to go on behind it."""
        while self._stack:
            in_sequence, end, delimited, implicit, count, is_sequence, guess_end = self._stack.pop()
            self._depth -= is_sequence
            if guess_end is not None:
                return guess_end, _Level(in_sequence, end, delimited, implicit, count)
        return None

    def _walk(self, pos: int, state: _Level) -> None:
        data, stack, limits, found, wanted = self._data, self._stack, self._limits, self.found, self._wanted
        explicit_header, plain_header, long_length = self._explicit_header, self._plain_header, self._long_length
        limit, level_limit = limits.elements, limits.level_elements
        in_sequence, end, delimited, implicit, count = state
        while True:
            if pos >= end:
                if delimited:
                    raise _Malformed("a sequence or item has no end")
                if not stack:
                    return
                in_sequence, end, delimited, implicit, count, was_sequence, _ = stack.pop()
                self._depth -= was_sequence
                continue
            if pos + 8 > end:
                if not stack and _is_padding(data, pos):
                    return
                raise _Malformed(f"{end - pos} bytes where an element should begin")
            if implicit or in_sequence:
                group, element, length = plain_header(data, pos)
                vr, value = None, pos + 8
            else:
                group, element, vr, length = explicit_header(data, pos)
                value = pos + 8
            if group == 0xFFFE:
                length = long_length(data, pos + 4)[0]
                if element == _ITEM and in_sequence:
                    found.elements += 1
                    if found.elements > limit:
                        raise _too_many(limit)
                    stack.append((in_sequence, end, delimited, implicit, count, False, None))
                    in_sequence, count = False, 0
                    delimited = length == UNDEFINED
                    if not delimited:
                        if value + length > end:
                            raise _Malformed("an item is longer than what is there")
                        end = value + length
                    pos = value
                    continue
                expected = _SEQUENCE_END if in_sequence else _ITEM_END
                if element != expected or not delimited:
                    raise _Malformed(f"(FFFE,{element:04X}) in the wrong place")
                in_sequence, end, delimited, implicit, count, was_sequence, _ = stack.pop()
                self._depth -= was_sequence
                pos = value
                continue
            if in_sequence:
                raise _Malformed(f"({group:04X},{element:04X}) where an item should be")
            if group == 0 and not stack and _is_padding(data, pos):
                return
            count += 1
            if count > level_limit:
                raise Refused(Reason.ELEMENTS, f"more than {level_limit} elements side by side")
            found.elements += 1
            if found.elements > limit:
                raise _too_many(limit)
            if vr is not None and vr not in SHORT:
                if vr not in LONG:
                    raise _unknown_vr(group, element, vr)
                value = pos + 12
                if value > end:
                    raise _Malformed(f"({group:04X},{element:04X}) has no room for its length")
                length = long_length(data, pos + 8)[0]
            if not stack and ((tag := group << 16 | element) in wanted or tag == PIXEL_DATA):
                self._remember(tag, value, length)
            if length == UNDEFINED and (vr is None or vr in LONG):
                if vr in IN_FRAGMENTS or (group << 16 | element) == PIXEL_DATA:
                    pos = self._fragments(value, end, is_pixel_data=not stack and group == 0x7FE0)
                    continue
                if vr not in (None, b"SQ", b"UN"):
                    raise _Malformed(f"({group:04X},{element:04X}) has no length")
                self._enter_sequence()
                stack.append((in_sequence, end, delimited, implicit, count, True, None))
                in_sequence, delimited = True, True
                implicit = implicit or vr == b"UN"
                pos = value
                continue
            behind = value + length
            if behind > end:
                raise _Malformed(f"({group:04X},{element:04X}) is longer than what is there")
            is_sequence = vr == b"SQ"
            if length >= 8 and (is_sequence or ((implicit or vr == b"UN") and data[value : value + 4] == self._item)):
                self._enter_sequence()
                stack.append((in_sequence, end, delimited, implicit, count, True, None if is_sequence else behind))
                in_sequence, end, delimited = True, behind, False
                implicit = implicit or vr == b"UN"
                pos = value
                continue
            if is_sequence and length:
                raise _Malformed(f"({group:04X},{element:04X}) is too short for an item")
            pos = behind

    def _enter_sequence(self) -> None:
        self._depth += 1
        if self._depth > self.found.depth:
            self.found.depth = self._depth
            if self._depth > self._limits.depth:
                raise Refused(Reason.NESTING, f"sequences nested deeper than {self._limits.depth}")

    def _remember(self, tag: int, value: int, length: int) -> None:
        if tag == PIXEL_DATA:
            if self.found.pixel_length is not None:
                raise Refused(Reason.DUPLICATE, "pixel data twice")
            self.found.pixel_length = length
        elif tag in self.found.places:
            raise Refused(Reason.DUPLICATE, f"({tag >> 16:04X},{tag & 0xFFFF:04X}) twice")
        else:
            self.found.places[tag] = (value, length)

    def _fragments(self, pos: int, end: int, *, is_pixel_data: bool) -> int:
        """Over the items of encapsulated pixel data (PS3.5 A.4) to behind their delimiter."""
        data, header, limit = self._data, self._plain_header, self._limits.fragments
        count = 0
        while True:
            if pos + 8 > end:
                raise _Malformed("encapsulated data has no end")
            group, element, length = header(data, pos)
            pos += 8
            if group != 0xFFFE or element not in (_ITEM, _SEQUENCE_END):
                raise _Malformed(f"({group:04X},{element:04X}) among the fragments")
            if element == _SEQUENCE_END:
                if is_pixel_data:
                    self.found.fragments = count
                return pos
            count += 1
            if count > limit:
                raise Refused(Reason.ELEMENTS, f"more than {limit} fragments")
            pos += length
            if pos > end:
                raise _Malformed("a fragment is longer than what is there")


def _too_many(limit: int) -> Refused:
    return Refused(Reason.ELEMENTS, f"more than {limit} elements")


def _unknown_vr(group: int, element: int, vr: bytes) -> Refused:
    shown = vr.decode("ascii") if vr.isalpha() else vr.hex()
    return Refused(Reason.UNKNOWN_VR, f"({group:04X},{element:04X}) has the unknown VR {shown}")


def _is_padding(data: memoryview, pos: int) -> bool:
    """Whether there is nothing but zeros from `pos` on."""
    step = 1 << 20
    return not any(bytes(data[at : at + step]).strip(b"\0") for at in range(pos, len(data), step))
