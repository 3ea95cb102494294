"""Stored values to values with a meaning: Modality LUT or rescale, padding, palette, unit (PS3.3 C.11.1)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from appliance.domain.coding import HOUNSFIELD_UNIT, NO_UNITS, CodedConcept
from appliance.domain.errors import PixelsUnsupported, RescaleMixed
from appliance.domain.image import Array, Mask
from appliance.study.attributes import attribute, tagged, text
from appliance.study.functional_groups import frame_macro

UNSPECIFIED = ("", "US", "UNSPECIFIED")
UNITS = MappingProxyType(
    {
        "HU": HOUNSFIELD_UNIT,
        "BQML": CodedConcept("Bq/ml", "UCUM", "Becquerels/milliliter"),
        "GML": CodedConcept("g/ml{SUVbw}", "UCUM", "Standardized Uptake Value body weight"),
        "CNTS": CodedConcept("{counts}", "UCUM", "Counts"),
    }
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ModalityTransform:
    """How stored values of one frame become values in `rescale_type`: a table, or slope and intercept.

    `stated` is False when the header has neither.
    """

    slope: float = 1.0
    intercept: float = 0.0
    rescale_type: str = ""
    stated: bool = False
    table: Dataset | None = field(default=None, repr=False)

    def apply(self, stored: Array) -> npt.NDArray[np.float32]:
        """Values as float32; computed in float64, because a 32-bit stored value times a slope needs it."""
        if self.table is not None:
            try:
                return apply_modality_lut(stored, self.table).astype(np.float32)
            except Exception as error:
                raise PixelsUnsupported(f"the Modality LUT cannot be used ({type(error).__name__})") from error
        if self.slope == 1.0 and self.intercept == 0.0:
            return stored.astype(np.float32)
        return (stored.astype(np.float64) * self.slope + self.intercept).astype(np.float32)


def modality_transform(dataset: Dataset, frame: int | None = None) -> ModalityTransform:
    """The transform of `dataset`, or of one frame (from 0) of an enhanced object.

    Raises PixelsUnsupported when slope or intercept is unusable.
    """
    place = dataset if frame is None else frame_macro(dataset, frame, "PixelValueTransformationSequence")
    if place is None:
        return ModalityTransform()
    tables = place.get("ModalityLUTSequence")
    if tables:
        return ModalityTransform(table=place, rescale_type=text(tables[0], "ModalityLUTType"), stated=True)
    slope, intercept = attribute(place, "RescaleSlope"), attribute(place, "RescaleIntercept")
    if slope is None and intercept is None and not ("RescaleSlope" in place or "RescaleIntercept" in place):
        return ModalityTransform()
    if not isinstance(slope, (int, float)) or slope == 0:
        raise PixelsUnsupported(f"{tagged('RescaleSlope')} is not a usable number")
    if not isinstance(intercept, (int, float)):
        raise PixelsUnsupported(f"{tagged('RescaleIntercept')} is not a number")
    rescale_type = text(place, "RescaleType")
    return ModalityTransform(slope=float(slope), intercept=float(intercept), rescale_type=rescale_type, stated=True)


def common_unit(transforms: Iterable[ModalityTransform], modality: str, units: str = "") -> CodedConcept:
    """The unit of a stack whose slices have these transforms; `units` is the PET Units attribute (C.8.9.1.1.3).

    A CT that says no type is in HU (C.8.2.1.1.2). Raises RescaleMixed when slices differ, or when a CT has no rescale.
    """
    kinds = {_kind(transform, modality) for transform in transforms}
    if len(kinds) > 1:
        raise RescaleMixed("the rescale types of the slices differ")
    kind, stated = next(iter(kinds))
    if modality == "CT" and not stated:
        raise RescaleMixed("a CT without Rescale Slope and Rescale Intercept; its values are not known to be HU")
    return UNITS.get(units if modality == "PT" else kind, NO_UNITS)


def _kind(transform: ModalityTransform, modality: str) -> tuple[str, bool]:
    if transform.rescale_type in UNSPECIFIED:
        return ("HU" if modality == "CT" and transform.rescale_type == "" else ""), transform.stated
    return transform.rescale_type, transform.stated


def padding_range(dataset: Dataset) -> tuple[int, int] | None:
    """Lowest and highest stored value that means padding, or None (Pixel Padding Value and Range Limit)."""
    value = _stored_value(dataset, "PixelPaddingValue")
    if value is None:
        return None
    limit = _stored_value(dataset, "PixelPaddingRangeLimit")
    return min(value, value if limit is None else limit), max(value, value if limit is None else limit)


def _stored_value(dataset: Dataset, keyword: str) -> int | None:
    """The value with the signedness of the pixels: writers mix up US and SS, so -2000 also comes as 63536."""
    value = attribute(dataset, keyword)
    bits, signed = attribute(dataset, "BitsAllocated"), attribute(dataset, "PixelRepresentation") == 1
    if not isinstance(value, int) or not isinstance(bits, int):
        return None
    wrapped = value % (1 << bits)
    return wrapped - (1 << bits) if signed and wrapped >= 1 << (bits - 1) else wrapped


def padding_mask(stored: Array, padding: tuple[int, int]) -> Mask:
    """True where the stored value (before any rescale) lies in the padding range."""
    return np.asarray((stored >= padding[0]) & (stored <= padding[1]))


def palette_rgb(stored: Array, dataset: Dataset) -> npt.NDArray[np.uint8]:
    """PALETTE COLOR indices as uint8 RGB [row, column, 3] (C.7.6.3.1.5). Raises PixelsUnsupported for a bad table."""
    try:
        colours = apply_color_lut(stored, dataset)
    except Exception as error:
        raise PixelsUnsupported(f"the palette cannot be used ({type(error).__name__})") from error
    if colours.dtype != np.uint8:
        colours = colours >> 8 if int(colours.max(initial=0)) > 255 else colours
    return np.ascontiguousarray(colours[..., :3].astype(np.uint8))
