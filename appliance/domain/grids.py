"""Bring values of a derived grid back to the grid of their source, slab by slab so that memory stays bounded."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from appliance.domain.image import Affine, Array

SLAB_VOXELS = 4_000_000
"""Source voxels worked on at a time; the temporaries of one slab stay below some 400 MiB."""

_TIE = 1e-6
"""Half-way points go up, whatever the rounding noise of the affine."""

Indices = npt.NDArray[np.float64]


def nearest_in_source(values: Array, to_source: Affine, source_shape: tuple[int, ...], fill: float = 0) -> Array:
    """Value of the nearest grid element at every source index; `fill` where the grid does not reach.

    values: [*spatial], 2 or 3 axes. to_source: (n + 1, n + 1) from index in `values` to source index. The nearest
    element of position x is floor(x + 0.5). Returns an array of `source_shape` with the type of `values`.
    """
    restored = np.full(source_shape, fill, dtype=values.dtype)
    from_source = np.linalg.inv(np.asarray(to_source, dtype=np.float64))
    for slab, positions in _slabs(from_source, source_shape):
        indices = [np.floor(position + 0.5 + _TIE).astype(np.intp) for position in positions]
        inside = _conjunction([(i >= 0) & (i < n) for i, n in zip(indices, values.shape, strict=True)])
        clipped = [np.clip(i, 0, n - 1) for i, n in zip(indices, values.shape, strict=True)]
        restored[slab] = np.where(inside, values[tuple(clipped)], restored[slab])
    return restored


def linear_in_source(values: Array, to_source: Affine, source_shape: tuple[int, ...], fill: float = 0.0) -> Array:
    """Multilinear interpolation of `values` at every source index, as float32.

    Within half an element outside the grid the border value holds (the element reaches that far); beyond it, `fill`.
    Shapes and coordinates as for `nearest_in_source`.
    """
    restored = np.full(source_shape, fill, dtype=np.float32)
    from_source = np.linalg.inv(np.asarray(to_source, dtype=np.float64))
    for slab, positions in _slabs(from_source, source_shape):
        reach = [(p >= -0.5 - _TIE) & (p < n - 0.5 + _TIE) for p, n in zip(positions, values.shape, strict=True)]
        restored[slab] = np.where(_conjunction(reach), _interpolated(values, positions), restored[slab])
    return restored


def _slabs(from_source: Affine, source_shape: tuple[int, ...]) -> Iterator[tuple[slice, list[Indices]]]:
    """Slabs of the first source axis with the grid positions of their voxels, one (broadcastable) array per grid axis.

    Each position array has only the axes it depends on, so that grids parallel to their source cost next to nothing.
    """
    per_layer = max(1, int(np.prod(source_shape[1:])))
    depth = max(1, SLAB_VOXELS // per_layer)
    for start in range(0, source_shape[0], depth):
        slab = slice(start, min(start + depth, source_shape[0]))
        axes = [np.arange(slab.start, slab.stop, dtype=np.float64)]
        axes += [np.arange(n, dtype=np.float64) for n in source_shape[1:]]
        open_mesh = np.ix_(*axes)
        yield slab, [_position(row, open_mesh) for row in from_source[:-1]]


def _position(row: npt.NDArray[np.float64], open_mesh: tuple[Indices, ...]) -> Indices:
    position: Indices = np.full((1,) * len(open_mesh), row[-1])
    for factor, index in zip(row[:-1], open_mesh, strict=True):
        if abs(factor) > 1e-12:
            position = position + factor * index
    return position


def _interpolated(values: Array, positions: list[Indices]) -> Array:
    lower = [np.clip(np.floor(p).astype(np.intp), 0, n - 1) for p, n in zip(positions, values.shape, strict=True)]
    upper = [np.clip(np.floor(p).astype(np.intp) + 1, 0, n - 1) for p, n in zip(positions, values.shape, strict=True)]
    weight = [(p - np.floor(p)).astype(np.float32) for p in positions]
    total: Array = np.zeros((), dtype=np.float32)
    for corner in np.ndindex(*(2,) * values.ndim):
        index = tuple(upper[a] if up else lower[a] for a, up in enumerate(corner))
        share: Array = np.ones((), dtype=np.float32)
        for axis, up in enumerate(corner):
            share = share * (weight[axis] if up else 1 - weight[axis])
        total = total + share * values[index]
    return total


def _conjunction(conditions: list[npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
    met = conditions[0]
    for condition in conditions[1:]:
        met = met & condition
    return met
