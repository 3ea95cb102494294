"""How far a region reaches, in mm between the centres of its outermost voxels."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

from appliance.domain.image import Affine, Mask

Points = npt.NDArray[np.float64]

_SAME_MM = 1e-6
"""Lengths closer than this are equal but for rounding."""


@dataclass(frozen=True, slots=True)
class PlaneExtent:
    """Largest diameter of a region in one plane, and its largest width perpendicular to that diameter.

    Of several diameters that are equally long, the one with the largest width counts: which of them is met first
    depends on how the series was stored.
    """

    long_mm: float
    perpendicular_mm: float


def plane_extent(mask: Mask, spacing_mm: tuple[float, float]) -> PlaneExtent:
    """Of a mask [row, column] that is not empty; spacing between rows and between columns."""
    return _extent(_hull(mask) * np.array(spacing_mm))


def axial_extent(mask: Mask, affine: Affine) -> PlaneExtent:
    """The plane extent of the plane with the largest one, over the index planes nearest to the patient's axial plane.

    mask: [slice, row, column], not empty. affine: array index to LPS mm. So the numbers do not depend on how the
    series was stored.
    """
    planes = (_extent(_in_own_plane(points)) for _, points in _plane_hulls(mask, affine))
    return max(planes, key=lambda extent: (round(extent.long_mm / _SAME_MM), extent.perpendicular_mm))


def maximum_diameter(mask: Mask, affine: Affine) -> float:
    """Largest distance in mm between two voxel centres of a mask [slice, row, column] that is not empty."""
    return _largest_distance(np.concatenate([points for _, points in _plane_hulls(mask, affine)]))


def axial_axis(affine: Affine) -> int:
    """The array axis whose direction is nearest to the patient's head-feet axis."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return int(np.abs(directions[2]).argmax())


def _plane_hulls(mask: Mask, affine: Affine) -> Iterator[tuple[int, Points]]:
    """Patient coordinates of the convex hull of the mask in every plane that it meets.

    A vertex of the hull in space is a vertex of the hull in its plane, so nothing is lost for the diameter in space.
    """
    axis = axial_axis(affine)
    others = [a for a in range(3) if a != axis]
    planes = np.moveaxis(mask, axis, 0)
    for position in np.flatnonzero(planes.any(axis=(1, 2))):
        corners = _hull(planes[position])
        index = np.ones((len(corners), 4))
        index[:, axis] = position
        index[:, others] = corners
        yield int(position), (index @ affine.T)[:, :3]


def _hull(mask: Mask) -> Points:
    """(row, column) of the convex hull of a mask [row, column]."""
    rows = np.flatnonzero(mask.any(axis=1))
    first, last = mask[rows].argmax(axis=1), mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    ends = np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last])])
    corners: Points = cv2.convexHull(ends.astype(np.int32)).reshape(-1, 2).astype(np.float64)
    return corners


def _in_own_plane(points: Points) -> Points:
    """Coplanar points in space, as coordinates in their plane."""
    centred = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(centred @ axes[:2].T)


def _extent(points: Points) -> PlaneExtent:
    if len(points) < 2:
        return PlaneExtent(0.0, 0.0)
    distances = squareform(pdist(points))
    first, second = np.nonzero(np.triu(distances >= distances.max() - _SAME_MM))
    along = (points[second] - points[first]) / distances[first, second][:, np.newaxis]
    across = points @ np.stack([-along[:, 1], along[:, 0]])
    return PlaneExtent(float(distances.max()), float(np.ptp(across, axis=0).max()))


def _largest_distance(points: Points) -> float:
    centred = points - points.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    rank = int((sizes > 1e-6 * max(1.0, float(sizes.max(initial=0.0)))).sum())
    if rank == 0:
        return 0.0
    spread = centred @ axes[:rank].T
    if rank == 1:
        return float(np.ptp(spread))
    return float(pdist(spread[ConvexHull(spread).vertices]).max())
