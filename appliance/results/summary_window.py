"""Grey values as a screen shows them: the window of the image, else one by default (PS3.3 C.11.2)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.multival import MultiValue

from appliance.domain.image import Array, Mask

Shown = npt.NDArray[np.uint8]

_DEFAULTS = {"CT": (40.0, 400.0)}
"""Centre and width of soft tissue in HU; other modalities have no unit that would allow one."""
_USEFUL = (20, 225)
"""A window that shows half of what is outlined darker or brighter than this was meant to show something else."""
_SAMPLES = 1_000_000


class WindowOrigin(StrEnum):
    """Where a window comes from."""

    STORED = "stored"
    DEFAULT = "default"
    PERCENTILES = "percentiles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Window Center and Window Width, with the VOI LUT Function (0028,1056) that they belong to."""

    centre: float
    width: float
    origin: WindowOrigin
    function: str = "LINEAR"


def window_for(values: Array, subject: Mask, header: Dataset, modality: str, frame_number: int | None) -> Window:
    """The first window of the header, else the default of the modality, whichever shows `subject` (a lung window does
    not show a liver); else from the 1st to the 99th percentile. values: after the Modality LUT.
    """
    for window in _candidates(header, modality, frame_number):
        if _USEFUL[0] <= np.median(shown(values[subject], window)) <= _USEFUL[1]:
            return window
    sample = values.ravel()[:: max(1, values.size // _SAMPLES)]
    low, high = (float(value) for value in np.percentile(sample, (1, 99)))
    width = max(high - low, 1.0)
    return Window(centre=low + width / 2, width=width, origin=WindowOrigin.PERCENTILES, function="LINEAR_EXACT")


def shown(values: Array, window: Window, *, inverted: bool = False, padding: Mask | None = None) -> Shown:
    """Values through `window` as 0 (black) to 255 (white); `inverted` for MONOCHROME1, padding black."""
    if window.function == "SIGMOID":
        share = 1 / (1 + np.exp(np.clip(-4 * (values - window.centre) / window.width, -50, 50)))
    elif window.function == "LINEAR_EXACT":
        share = (values - window.centre) / window.width + 0.5
    else:
        share = (values - (window.centre - 0.5)) / max(window.width - 1, 1e-6) + 0.5
    grey = np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
    if inverted:
        grey = np.asarray(255 - grey, dtype=np.uint8)
    if padding is not None:
        grey[padding] = 0
    return grey


def _candidates(header: Dataset, modality: str, frame_number: int | None) -> Iterator[Window]:
    for item in _holders(header, frame_number):
        centre, width = _first(item, "WindowCenter"), _first(item, "WindowWidth")
        if centre is not None and width is not None and width >= 1:
            function = str(item.get("VOILUTFunction") or "LINEAR")
            yield Window(centre=centre, width=width, origin=WindowOrigin.STORED, function=function)
    if modality in _DEFAULTS:
        centre, width = _DEFAULTS[modality]
        yield Window(centre=centre, width=width, origin=WindowOrigin.DEFAULT)


def _holders(header: Dataset, frame_number: int | None) -> Iterator[Dataset]:
    """What may hold the window of a frame: its functional groups, the shared ones, the header (PS3.3 C.7.6.16.2.10)."""
    if frame_number is not None:
        own = (header.get("PerFrameFunctionalGroupsSequence") or [])[frame_number - 1 : frame_number]
        for groups in (*own, *(header.get("SharedFunctionalGroupsSequence") or [])[:1]):
            yield from (groups.get("FrameVOILUTSequence") or [])[:1]
    yield header


def _first(item: Dataset, keyword: str) -> float | None:
    value: Any = item.get(keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
