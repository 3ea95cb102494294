"""Which way the array axes run in the patient, and so which side a region lies on."""

from collections.abc import Sequence

import numpy as np

from appliance.domain.coding import LEFT, RIGHT, CodedConcept
from appliance.domain.image import Mask, PlanarImage, Source, Volume
from appliance.findings.measurements import centroid_index, centroid_mm

OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}
_GROWING = ("L", "P", "H")
MIDLINE_SHARE = 0.05
"""A single region whose centre is nearer to the middle of the image than this share of its width has no sure side."""


def axis_direction(source: Source, axis: int) -> str | None:
    """The patient direction (L R A P H F) that the index of `axis` grows to; None where the header does not say.

    For an oblique axis, the nearest one (PS3.3 C.7.6.1.1.1 writes it first).
    """
    if isinstance(source, Volume):
        step = source.affine[:3, axis]
        nearest = int(np.abs(step).argmax())
        return _GROWING[nearest] if step[nearest] > 0 else OPPOSITE[_GROWING[nearest]]
    if source.patient_orientation is None:
        return None
    along_row, down_column = source.patient_orientation
    first = (down_column if axis == 0 else along_row)[:1].upper()
    return first if first in OPPOSITE else None


def sides(masks: Sequence[Mask], source: Source) -> tuple[CodedConcept | None, ...]:
    """Left or right of the patient for each of one or two masks that are not empty; None where it is not certain.

    Two masks are told apart by their centres, whichever index each came from. One alone is told by the middle of the
    image, and in a volume by nothing (the table is not the patient).
    """
    places = [_towards_left(mask, source) for mask in masks]
    known = [place for place in places if place is not None]
    if len(known) != len(masks) or not known:
        return (None,) * len(masks)
    if len(known) == 2:
        if known[0] == known[1]:
            return (None, None)
        return (LEFT, RIGHT) if known[0] > known[1] else (RIGHT, LEFT)
    if len(known) > 2 or isinstance(source, Volume) or abs(known[0]) < MIDLINE_SHARE:
        return (None,) * len(masks)
    return (LEFT if known[0] > 0 else RIGHT,)


def _towards_left(mask: Mask, source: Source) -> float | None:
    """How far the centre lies to the patient's left: in mm for a volume, in image widths from the middle otherwise."""
    if isinstance(source, Volume):
        return centroid_mm(mask, source)[0]
    return _share_towards_left(mask, source)


def _share_towards_left(mask: Mask, image: PlanarImage) -> float | None:
    for axis in (1, 0):
        direction = axis_direction(image, axis)
        if direction in ("L", "R"):
            share = float((centroid_index(mask)[axis] + 0.5) / mask.shape[axis] - 0.5)
            return share if direction == "L" else -share
    return None
