"""From planes in patient space to one uniformly spaced stack, or a refusal that says why (PS3.3 C.7.6.2).

Everything is in LPS mm. Nothing is repaired: what the headers do not say beyond doubt is not assumed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appliance.domain.errors import (
    FrameOfReferenceMixed,
    GantryTilt,
    GeometryMissing,
    MatrixMixed,
    OrientationMixed,
    SlicesDuplicated,
    SlicesMissing,
    SpacingUneven,
    TooFewSlices,
)
from appliance.domain.image import Affine, FrameReference

Vectors = npt.NDArray[np.float64]

COSINE_TOLERANCE = 1e-3
"""Largest difference of a direction cosine: at the edge of a 500 mm field this moves a voxel by a quarter millimetre.
Headers round cosines to 5 or 6 decimals; real differences between stacks are degrees (1.7e-2 and more)."""

SPACING_TOLERANCE = 1e-3
"""Largest relative difference of pixel spacings: over 512 columns half a pixel."""

UNEVEN_FRACTION = 0.02
"""How far, in slice distances, a slice may lie from the uniform grid."""

ROUNDING_MM = 0.051
"""The same in millimetres: some writers round Image Position to a tenth of a millimetre, so half of it is noise."""

SHEAR_PIXELS = 0.5
"""How far, in pixels, a slice may lie beside the line through the first one along the normal. Below half a pixel no
voxel changes its nearest neighbour; a gantry tilt of one degree moves the end of a head CT by several pixels."""

DUPLICATE_MM = 0.01
"""Slices nearer than this claim one position; no scanner reconstructs at steps of a hundredth of a millimetre."""

GAP_FACTOR = 1.5
"""A distance this many times the usual one is a hole rather than jitter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePlane:
    """One frame and its place: centre of the first voxel, directions along a row and down a column, spacing, size."""

    frame: FrameReference
    position: tuple[float, ...]
    orientation: tuple[float, ...]  # six cosines: along a row, then down a column
    spacing: tuple[float, ...]  # between rows, between columns
    rows: int
    columns: int
    frame_of_reference_uid: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Stack:
    """Indices of the planes in slice order (along the normal row x column, ascending), and the affine to LPS mm."""

    order: tuple[int, ...]
    affine: Affine


def stack_planes(
    planes: Sequence[FramePlane], same_pixels: Callable[[int, int], bool] = lambda _first, _second: False
) -> Stack:
    """Order `planes` into one stack.

    `same_pixels(i, j)` says whether two planes at one position hold the same image; of such a pair the plane with the
    smaller SOP Instance UID stays. Raises a subclass of GeometryRefused with the reason.
    """
    _refuse_different(planes)
    orientation = _common_orientation(planes)
    normal = np.cross(orientation[:3], orientation[3:])
    positions = np.array([plane.position for plane in planes])
    heights = positions @ normal
    _refuse_shear(positions, normal, min(planes[0].spacing))
    order = _without_duplicates(planes, heights, same_pixels)
    if len(order) < 2:
        raise TooFewSlices(f"{len(order)} slice; a volume needs two or more")
    _refuse_uneven(heights[list(order)])
    return Stack(order=order, affine=_affine(positions[list(order)], orientation, planes[0].spacing))


def normal_of(orientation: Sequence[float]) -> Vectors:
    """The direction row x column of six direction cosines; not normalised."""
    cosines = np.asarray(orientation, dtype=np.float64)
    return np.asarray(np.cross(cosines[:3], cosines[3:]), dtype=np.float64)


def _refuse_different(planes: Sequence[FramePlane]) -> None:
    if len(planes) < 2:
        raise TooFewSlices(f"{len(planes)} slice; a volume needs two or more")
    references = {plane.frame_of_reference_uid for plane in planes}
    if references == {""}:
        raise GeometryMissing("no Frame of Reference UID")
    if len(references) > 1:
        raise FrameOfReferenceMixed(f"{len(references)} frames of reference in {len(planes)} slices")
    if len({(plane.rows, plane.columns) for plane in planes}) > 1:
        raise MatrixMixed("Rows and Columns are not the same in all slices")
    spacings = np.array([plane.spacing for plane in planes])
    if np.any(np.ptp(spacings, axis=0) > SPACING_TOLERANCE * spacings.min(axis=0)):
        raise SpacingUneven("Pixel Spacing is not the same in all slices")


def _common_orientation(planes: Sequence[FramePlane]) -> Vectors:
    """The six cosines that all planes share, made exactly orthonormal."""
    cosines = np.array([plane.orientation for plane in planes])
    rows, columns = cosines[:, :3], cosines[:, 3:]
    lengths = np.linalg.norm(np.concatenate([rows, columns]), axis=1)
    skew = np.abs(np.sum(rows * columns, axis=1))
    if max(np.abs(lengths - 1).max(), skew.max()) > COSINE_TOLERANCE:
        raise GeometryMissing("Image Orientation is not two perpendicular unit vectors")
    if np.any(np.ptp(cosines, axis=0) > COSINE_TOLERANCE):
        raise OrientationMixed("Image Orientation differs between slices")
    mean = cosines.mean(axis=0)
    row = mean[:3] / np.linalg.norm(mean[:3])
    column = mean[3:] - row * (row @ mean[3:])
    return np.concatenate([row, column / np.linalg.norm(column)])


def _refuse_shear(positions: Vectors, normal: Vectors, pixel_mm: float) -> None:
    """Positions must lie on one line along the normal: sheared stacks are no rectangular grid."""
    ends = positions[[int(np.argmin(positions @ normal)), int(np.argmax(positions @ normal))]]
    offsets = positions - ends[0]
    sideways = offsets - np.outer(offsets @ normal, normal)
    drift = np.linalg.norm(sideways, axis=1)
    if drift.max() <= SHEAR_PIXELS * pixel_mm:
        return
    course = ends[1] - ends[0]
    height = float(course @ normal)
    along = np.outer(offsets @ normal, course / height) if height > DUPLICATE_MM else np.zeros_like(offsets)
    if np.linalg.norm(offsets - along, axis=1).max() <= SHEAR_PIXELS * pixel_mm:
        degrees = np.degrees(np.arccos(min(1.0, height / float(np.linalg.norm(course)))))
        raise GantryTilt(f"the stack leans {degrees:.1f} degrees against the normal of its slices")
    raise SpacingUneven(f"slices lie up to {drift.max():.1f} mm beside the line through the stack")


def _without_duplicates(
    planes: Sequence[FramePlane], heights: Vectors, same_pixels: Callable[[int, int], bool]
) -> tuple[int, ...]:
    ranked = sorted(range(len(planes)), key=lambda index: planes[index].frame.sop_instance_uid)
    kept: list[int] = []
    for index in sorted(ranked, key=lambda index: float(heights[index])):
        if not kept or heights[index] - heights[kept[-1]] > DUPLICATE_MM:
            kept.append(index)
        elif not same_pixels(kept[-1], index):
            raise SlicesDuplicated("two different slices have the same Image Position")
        else:
            kept[-1] = min(kept[-1], index, key=lambda item: planes[item].frame.sop_instance_uid)
    return tuple(kept)


def _refuse_uneven(heights: Vectors) -> None:
    gaps = np.diff(heights)
    usual = float(np.median(gaps))
    tolerance = max(UNEVEN_FRACTION * usual, ROUNDING_MM)
    holes = gaps > GAP_FACTOR * usual
    multiples = np.round(gaps / usual)
    if np.any(holes) and np.all(np.abs(gaps - multiples * usual) <= 2 * tolerance * multiples):
        raise SlicesMissing(f"{int(np.sum(multiples - 1))} of {int(np.sum(multiples)) + 1} slices are missing")
    uniform = np.linspace(heights[0], heights[-1], len(heights))
    if float(np.abs(heights - uniform).max()) > min(tolerance, usual / 4):
        raise SpacingUneven(f"slice distances run from {gaps.min():.2f} to {gaps.max():.2f} mm")


def _affine(positions: Vectors, orientation: Vectors, spacing: Sequence[float]) -> Affine:
    affine = np.eye(4)
    affine[:3, 0] = (positions[-1] - positions[0]) / (len(positions) - 1)
    affine[:3, 1] = orientation[3:] * spacing[0]
    affine[:3, 2] = orientation[:3] * spacing[1]
    affine[:3, 3] = positions[0]
    return affine
