"""Universal Binary JSON (draft 12), as XGBoost saves its models; only what such files hold.

Source: https://ubjson.org. Numbers are big-endian; arrays may declare a type and a count.
"""

from typing import Any

import numpy as np

from appliance.domain.errors import RecipeRefused

Value = Any

_NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_CONSTANTS: dict[bytes, Value] = {b"T": True, b"F": False, b"Z": None}
_DEEPEST = 64


def parse_ubjson(content: bytes) -> Value:
    """Objects as dict, typed arrays as numpy arrays, other arrays as lists.

    Raises RecipeRefused when the bytes are not UBJSON or say more than they hold.
    """
    try:
        value, end = _Cursor(content).value(0, 0)
    except (ValueError, LookupError) as error:
        raise RecipeRefused("the weight file is not UBJSON or is damaged") from error
    if end != len(content):
        raise RecipeRefused("the weight file has bytes after its end")
    return value


class _Cursor:
    """Reads values at an offset and gives the offset behind them."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def value(self, at: int, depth: int) -> tuple[Value, int]:
        return self._typed(self._content[at : at + 1], at + 1, depth)

    def _typed(self, marker: bytes, at: int, depth: int) -> tuple[Value, int]:
        if depth > _DEEPEST:
            raise ValueError
        if marker in _NUMBERS:
            return self._number(marker, at)
        if marker in _CONSTANTS:
            return _CONSTANTS[marker], at
        if marker == b"S":
            return self._text(at)
        if marker == b"[":
            return self._array(at, depth + 1)
        if marker == b"{":
            return self._object(at, depth + 1)
        raise ValueError

    def _number(self, marker: bytes, at: int) -> tuple[int | float, int]:
        values = self._numbers(marker, 1, at)
        number: int | float = values[0].item()
        return number, at + values.dtype.itemsize

    def _numbers(self, marker: bytes, count: int, at: int) -> np.ndarray[Any, Any]:
        return np.frombuffer(self._content, np.dtype(_NUMBERS[marker]), count, at)

    def _length(self, at: int) -> tuple[int, int]:
        length, at = self._number(self._content[at : at + 1], at + 1)
        if not isinstance(length, int) or not 0 <= length <= len(self._content):
            raise ValueError
        return length, at

    def _text(self, at: int) -> tuple[str, int]:
        length, at = self._length(at)
        if at + length > len(self._content):
            raise ValueError
        return self._content[at : at + length].decode("utf-8"), at + length

    def _array(self, at: int, depth: int) -> tuple[Value, int]:
        if self._content[at : at + 1] == b"$":
            marker, at = self._content[at + 1 : at + 2], at + 2
            count, at = self._length(self._expect(b"#", at))
            numbers = self._numbers(marker, count, at) if count else np.empty(0, _NUMBERS[marker])
            return numbers.astype(numbers.dtype.newbyteorder("=")), at + numbers.nbytes
        count, at = self._length(self._expect(b"#", at))
        items = []
        for _ in range(count):
            item, at = self.value(at, depth)
            items.append(item)
        return items, at

    def _object(self, at: int, depth: int) -> tuple[dict[str, Value], int]:
        members: dict[str, Value] = {}
        while self._content[at : at + 1] != b"}":
            name, at = self._text(at)
            members[name], at = self.value(at, depth)
        return members, at + 1

    def _expect(self, marker: bytes, at: int) -> int:
        if self._content[at : at + 1] != marker:
            raise ValueError
        return at + 1
