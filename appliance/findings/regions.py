"""What is done to a mask, in 2 or 3 dimensions, within its bounding box."""

import numpy as np
from scipy import ndimage

from appliance.domain.image import Mask

Box = tuple[slice, ...]


def bounding_box(mask: Mask) -> Box | None:
    """The smallest box around all True elements, None if there are none."""
    sides: list[slice] = []
    for axis in range(mask.ndim):
        hits = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        if hits.size == 0:
            return None
        sides.append(slice(int(hits[0]), int(hits[-1]) + 1))
    return tuple(sides)


def largest_component(mask: Mask) -> Mask:
    """The largest connected part, neighbours touching by faces, edges or corners; the first one of equals."""
    box = bounding_box(mask)
    if box is None:
        return mask
    parts, count = ndimage.label(mask[box], structure=np.ones((3,) * mask.ndim, dtype=bool))
    if count == 1:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    kept = np.zeros_like(mask)
    kept[box] = parts == int(sizes.argmax())
    return kept


def fill_holes(mask: Mask) -> Mask:
    """With every False region filled that has no way to the outside through faces."""
    box = bounding_box(mask)
    if box is None:
        return mask
    outside, _ = ndimage.label(~np.pad(mask[box], 1))
    filled = mask.copy()
    inner = (slice(1, -1),) * mask.ndim
    filled[box] = (outside != outside[(0,) * mask.ndim])[inner]
    return filled
