"""Take a part of a grid, or put it into a larger one; by whole elements, so that no value is interpolated."""

import numpy as np
from scipy import ndimage

from appliance.domain.errors import AnatomyNotFound, ManifestInvalid
from appliance.domain.image import GridImage, Mask
from appliance.preprocessing.grid import regrid, scaled

Box = tuple[slice, ...]


def crop(image: GridImage, box: Box) -> GridImage:
    """The part of the grid in `box` (one slice with start and stop per spatial axis)."""
    starts = tuple(float(part.start) for part in box)
    values = np.ascontiguousarray(image.values[(slice(None), *box)])
    return regrid(image, values, scaled((1.0,) * len(box), starts))


def body_box(image: GridImage, *, above: float) -> GridImage:
    """Crop to the bounding box of the largest connected region (faces touching) whose value is above `above`.

    Raises AnatomyNotFound when nothing is.
    """
    body = largest_component(image.values[0] > above)
    box = bounding_box(body)
    if box is None:
        raise AnatomyNotFound(f"no value is above {above:g}")
    return crop(image, box)


def fit(image: GridImage, *, shape: tuple[float, ...], fill: float = 0.0, place: str = "centre") -> GridImage:
    """Crop or pad each axis to `shape`, about the centre or from the first element (`place` = "start")."""
    target = tuple(int(n) for n in shape)
    if len(target) != len(image.spatial_shape) or place not in ("centre", "start"):
        raise ManifestInvalid(f"{shape} at {place!r} has no meaning for {image.spatial_shape}", where="steps.fit")
    old = image.spatial_shape
    shift = [_shift(n, m) if place == "centre" else 0 for n, m in zip(old, target, strict=True)]
    values = np.full((image.values.shape[0], *target), fill, dtype=image.values.dtype)
    into = tuple(slice(max(0, -s), max(0, -s) + min(n, m)) for s, n, m in zip(shift, old, target, strict=True))
    part = tuple(slice(max(0, s), max(0, s) + min(n, m)) for s, n, m in zip(shift, old, target, strict=True))
    values[(slice(None), *into)] = image.values[(slice(None), *part)]
    return regrid(image, values, scaled((1.0,) * len(target), tuple(float(s) for s in shift)))


def fit_plane(image: GridImage, *, size: float, fill: float = 0.0, place: str = "centre") -> GridImage:
    """Crop or pad the last two axes to a square of `size`."""
    return fit(image, shape=(*image.spatial_shape[:-2], size, size), fill=fill, place=place)


def _shift(old: int, new: int) -> int:
    """First old element that is kept (negative: the border that is added); half elements round to even."""
    return round((old - new) / 2) if old >= new else -((new - old) // 2)


def largest_component(mask: Mask, connectivity: int = 1) -> Mask:
    """The connected region with most elements; of equal ones the first in array order. All False stays so."""
    structure = ndimage.generate_binary_structure(mask.ndim, connectivity)
    labels, count = ndimage.label(mask, structure=structure)
    if count <= 1:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest: Mask = labels == int(np.argmax(sizes))
    return largest


def bounding_box(mask: Mask) -> Box | None:
    """Smallest box around the True elements, or None when there are none."""
    box = []
    for axis in range(mask.ndim):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        if not hit.size:
            return None
        box.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return tuple(box)
