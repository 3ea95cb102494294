"""Header elements as plain values, leniently: a fault in one element loses that element, never the object."""

import math
import re
from collections.abc import Iterable
from typing import Any

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue

from appliance.domain.study import AttributeValue

FLOAT_VRS = frozenset({"DS", "FL", "FD", "OF", "OD"})
INTEGER_VRS = frozenset({"IS", "US", "SS", "UL", "SL", "UV", "SV", "US or SS"})
ASCII_VRS = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UI"})
ESCAPE = b"\x1b"  # begins a code extension (PS3.5 6.1.2.5): the bytes are ASCII, the text is not
PADDING = " \0"
DECIMAL_VRS = frozenset({"DS", "IS"})
_LARGEST_IS = 2**31
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")  # PS3.5 6.2, VR DS


def attribute(dataset: Dataset, keyword: str) -> AttributeValue | None:
    """The value of `keyword` at the top level of `dataset`, or None when it is absent, empty or not what its VR says.

    Numbers (DS, IS, US, SS, UL, SL, FL, FD) come as float or int, several values as a tuple, everything else as
    stripped str.
    """
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in dataset:
        return None
    vr = dictionary_VR(tag)
    if vr == "SQ":
        return None
    element: Any = dataset.get_item(tag)
    raw = element.value if isinstance(element, RawDataElement) else None
    if isinstance(raw, bytes) and vr in ASCII_VRS and element.VR in (vr, None) and raw.isascii() and ESCAPE not in raw:
        return _from_ascii(raw, vr)
    try:
        return plain(dataset[tag].value, vr)
    except Exception:  # noqa: BLE001 - pydicom converts lazily and raises whatever the foreign bytes provoke
        return None


def numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers, or None."""
    value = attribute(dataset, keyword)
    if isinstance(value, (int, float)):
        value = (float(value),)
    if not isinstance(value, tuple) or len(value) != count or any(isinstance(item, str) for item in value):
        return None
    return tuple(float(item) for item in value)


def text(dataset: Dataset, keyword: str) -> str:
    """The first value as text, "" when there is none."""
    value = attribute(dataset, keyword)
    if isinstance(value, tuple):
        value = value[0]
    return "" if value is None else str(value)


def plain(value: Any, vr: str) -> AttributeValue | None:
    """A pydicom value of representation `vr` as a plain value; None for nothing, or for numbers that are none."""
    if isinstance(value, (MultiValue, list, tuple)):
        return _several(value, vr)
    if value is None:
        return None
    if vr in FLOAT_VRS or vr in INTEGER_VRS:
        return _number(value, vr)
    return str(value).strip(PADDING) or None


def _several(values: Iterable[Any], vr: str) -> AttributeValue | None:
    items = [plain(value, vr) for value in values]
    if vr in FLOAT_VRS or vr in INTEGER_VRS:
        found = [item for item in items if isinstance(item, (int, float))]
        return tuple(found) if found and len(found) == len(items) else None
    words = tuple("" if item is None else str(item) for item in items)
    return words if any(words) else None


def tagged(keyword: str) -> str:
    """The keyword with its tag, as refusals name an element."""
    tag = tag_for_keyword(keyword) or 0
    return f"{keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def is_sound(value: Any, vr: str) -> bool:
    """Whether a pydicom value of DS or IS is what its VR says: finite decimal numbers, or nothing."""
    if vr not in DECIMAL_VRS or value is None or value == "":
        return True
    items = value if isinstance(value, (MultiValue, list, tuple)) else (value,)
    return all(item in ("", None) or _number(item, vr) is not None for item in items)


def _number(value: Any, vr: str) -> float | int | None:
    written = getattr(value, "original_string", value)
    if isinstance(written, str):
        # by the letter: float() takes "1_0", other scripts' digits and words for numbers
        written = written.strip(PADDING)
        if not _DECIMAL.fullmatch(written):
            return None
        value = written
    number = float(value)
    if not math.isfinite(number) or (vr == "IS" and abs(number) > _LARGEST_IS):
        return None
    return int(number) if vr in INTEGER_VRS and number.is_integer() else number


def _from_ascii(raw: bytes, vr: str) -> AttributeValue | None:
    """What pydicom makes of plain ASCII, much faster: a study has tens of thousands of such elements."""
    parts = raw.decode("ascii").split("\\")
    try:
        return plain(parts if len(parts) > 1 else parts[0], vr)
    except ValueError:
        return None
