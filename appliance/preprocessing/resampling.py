"""Put a grid at another spacing or shape.

An element covers its cell; grids share outer borders or centres, never corner samples ("half-pixel centres": the
centre of element i of n lies at (i + 0.5) / n of the extent). With the method "nearest_exact" the values are those of
torch's mode of that name, index floor((i + 0.5) * n_in / n_out).
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse

from appliance.domain.errors import InputTooLarge, ManifestInvalid
from appliance.domain.image import Array, GridImage
from appliance.preprocessing.grid import regrid, scaled, spacing_mm, with_values
from appliance.preprocessing.median_filter import median_of_cubes

MAXIMUM_ELEMENTS = 1_000_000_000
"""Larger grids are refused: a spacing in the header may be wrong by any factor."""

_TIE = 1e-9
_BLOCK_ELEMENTS = 1024
Positions = npt.NDArray[np.float64]


def to_shape(image: GridImage, *, shape: tuple[float, ...], method: str = "linear") -> GridImage:
    """Resize to `shape`; the outer borders stay where they are."""
    target = tuple(int(n) for n in shape)
    _check_axes(image, target, "resize")
    if min(target) < 1:
        raise ManifestInvalid("a grid needs at least one element along each axis", where="steps.resize")
    scale = tuple(old / new for old, new in zip(image.spatial_shape, target, strict=True))
    return _sampled(image, target, scale, tuple(0.5 * s - 0.5 for s in scale), method)


def to_spacing(image: GridImage, *, spacing: tuple[float, ...], method: str = "linear") -> GridImage:
    """Resample to exactly `spacing` in mm along each axis, about the same centre.

    The number of elements is the extent divided by the spacing, rounded. Raises InputTooLarge beyond
    MAXIMUM_ELEMENTS.
    """
    _check_axes(image, spacing, "resample")
    if min(spacing) <= 0:
        raise ManifestInvalid("a spacing must be above 0", where="steps.resample")
    old = image.spatial_shape
    scale = tuple(wanted / now for wanted, now in zip(spacing, spacing_mm(image), strict=True))
    target = tuple(max(1, int(np.floor(n / s + 0.5 + _TIE))) for n, s in zip(old, scale, strict=True))
    offset = tuple((n - 1) / 2 - s * (m - 1) / 2 for n, m, s in zip(old, target, scale, strict=True))
    return _sampled(image, target, scale, offset, method)


def shorter_side(image: GridImage, *, size: float, method: str = "linear") -> GridImage:
    """Resize the last two axes so that the shorter becomes `size`; the longer is truncated to whole elements."""
    rows, columns = image.spatial_shape[-2:]
    short, longer = min(rows, columns), max(rows, columns)
    other = int(size * longer / short)
    plane = (int(size), other) if rows <= columns else (other, int(size))
    return to_shape(image, shape=(*image.spatial_shape[:-2], *plane), method=method)


def longest_side(image: GridImage, *, size: float, method: str = "linear") -> GridImage:
    """Resize the last two axes so that the longer becomes `size`; the shorter is rounded, and at least 1."""
    rows, columns = image.spatial_shape[-2:]
    factor = size / max(rows, columns)
    plane = tuple(max(1, int(np.floor(n * factor + 0.5))) for n in (rows, columns))
    return to_shape(image, shape=(*image.spatial_shape[:-2], *plane), method=method)


def median(image: GridImage, *, size: float = 3) -> GridImage:
    """Median of the cube (square) of `size` elements around each element; the border value continues outside."""
    if size < 1 or int(size) != size or int(size) % 2 == 0:
        raise ManifestInvalid("the size of a median is an odd whole number", where="steps.median")
    if size == 3 and len(image.spatial_shape) == 3:
        return with_values(image, np.stack([median_of_cubes(channel) for channel in image.values]))
    filtered = [ndimage.median_filter(channel, size=int(size), mode="nearest") for channel in image.values]
    return with_values(image, np.stack(filtered))


def _check_axes(image: GridImage, given: tuple[float, ...], step: str) -> None:
    if len(given) != len(image.spatial_shape):
        raise ManifestInvalid(f"needs one value per axis of {image.spatial_shape}", where=f"steps.{step}")


def _sampled(
    image: GridImage, target: tuple[int, ...], scale: tuple[float, ...], offset: tuple[float, ...], method: str
) -> GridImage:
    if np.prod(target, dtype=np.float64) * image.values.shape[0] > MAXIMUM_ELEMENTS:
        raise InputTooLarge(f"resampling would make a grid of shape {target}")
    if method not in _METHODS:
        raise ManifestInvalid(f"{method!r} is none of {', '.join(_METHODS)}", where="steps")
    values = image.values
    shrinking_first = sorted(range(len(target)), key=lambda axis: target[axis] / image.spatial_shape[axis])
    for axis in shrinking_first:
        if (target[axis], scale[axis], offset[axis]) == (image.spatial_shape[axis], 1.0, 0.0):
            continue
        positions = np.arange(target[axis], dtype=np.float64) * scale[axis] + offset[axis]
        values = _METHODS[method](values, axis + 1, positions, scale[axis])
    return regrid(image, np.ascontiguousarray(values), scaled(scale, offset))


def _nearest(values: Array, axis: int, positions: Positions, _: float) -> Array:
    indices = np.floor(positions + 0.5 + _TIE).astype(np.intp)
    return np.take(values, np.clip(indices, 0, values.shape[axis] - 1), axis=axis)


def _linear(values: Array, axis: int, positions: Positions, _: float) -> Array:
    """Between the two neighbours; beyond the outer centres the border value."""
    inside = np.clip(positions, 0, values.shape[axis] - 1)
    lower = np.floor(inside).astype(np.intp)
    upper = np.minimum(lower + 1, values.shape[axis] - 1)
    share = inside - lower
    rows = np.arange(len(positions))
    return _weighted(values, axis, np.r_[rows, rows], np.r_[lower, upper], np.r_[1.0 - share, share], len(positions))


def _filtered(kernel: Callable[[Positions, float], Positions], reach: float) -> Callable[..., Array]:
    """Resampling with a kernel that widens when the grid shrinks, so that nothing aliases."""

    def sample(values: Array, axis: int, positions: Positions, scale: float) -> Array:
        width = max(scale, 1.0)
        size = values.shape[axis]
        taps = np.arange(-int(np.ceil(reach * width)) - 1, int(np.ceil(reach * width)) + 2)
        columns = np.floor(positions)[:, np.newaxis].astype(np.intp) + taps
        weights = kernel(columns - positions[:, np.newaxis], width)
        weights[(columns < 0) | (columns >= size)] = 0.0
        weights /= weights.sum(axis=1, keepdims=True)
        rows = np.broadcast_to(np.arange(len(positions))[:, np.newaxis], columns.shape)
        kept = weights > 0
        return _weighted(values, axis, rows[kept], columns[kept], weights[kept], len(positions))

    return sample


def _triangle(distance: Positions, width: float) -> Positions:
    return np.maximum(0.0, 1.0 - np.abs(distance) / width)


def _overlap(distance: Positions, width: float) -> Positions:
    """Length of the part of an old cell that lies in a new cell of `width` old cells."""
    left = np.maximum(distance - 0.5, -width / 2)
    right = np.minimum(distance + 0.5, width / 2)
    return np.maximum(0.0, right - left - _TIE)


def _weighted(values: Array, axis: int, rows: Array, columns: Array, weights: Positions, size: int) -> Array:
    """Sparse matrix times `values` along `axis`, in float32; a block at a time, which stays in the cache."""
    entries = (weights.astype(np.float32), (rows, columns))
    matrix = sparse.csr_matrix(entries, shape=(size, values.shape[axis]))
    before, after = math.prod(values.shape[:axis]), math.prod(values.shape[axis + 1 :])
    blocks = np.ascontiguousarray(values, dtype=np.float32).reshape(before, values.shape[axis], after)
    weighted = np.empty((before, size, after), dtype=np.float32)
    together = max(1, _BLOCK_ELEMENTS // max(1, after))
    for start in range(0, before, together):
        block = blocks[start : start + together].transpose(1, 0, 2)
        product = np.asarray(matrix @ block.reshape(block.shape[0], -1))
        weighted[start : start + together] = product.reshape(size, -1, after).transpose(1, 0, 2)
    return weighted.reshape(*values.shape[:axis], size, *values.shape[axis + 1 :])


_METHODS: dict[str, Callable[[Array, int, Positions, float], Array]] = {
    "linear": _linear,
    "nearest_exact": _nearest,
    "area": _filtered(_overlap, 0.5),
    "linear_antialias": _filtered(_triangle, 1.0),
}
