"""Bodies whose volume, diameter, centre and side follow from geometry, on grids that lie in the patient in any way.

affine = GRIDS["oblique"]
shape = covering(affine, (-30, -30, -30), (30, 30, 30))       # moves nothing: says how many elements are needed
grid = Grid.around(affine, radius_mm=40)                      # a grid with LPS (0, 0, 0) at its centre
volume(grid, grid.ball((5, 0, -3), 20))                       # a Volume of 1 inside and 0 outside
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.domain.coding import HOUNSFIELD_UNIT
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import FrameReference, GridImage, Mask, PlanarImage, Prepared, Source, Volume, source_shape
from tests.helpers.dicom_builder import Phantom, axial_affine, rotated

Floats = npt.NDArray[np.float64]

ORIENTATIONS = tuple(itertools.product(itertools.permutations(range(3)), itertools.product((False, True), repeat=3)))
"""All 48 ways to store one body on the same lattice: (axes, flips) of `Phantom.stored`."""


def _directions(spacing: Sequence[float]) -> Floats:
    return axial_affine(spacing, (0, 0, 0))


AXIAL = _directions((2.0, 1.5, 1.5))
GRIDS: dict[str, Floats] = {
    "axial": AXIAL,
    "reversed": AXIAL @ np.diag([-1.0, 1, 1, 1]),
    "anisotropic": _directions((5.0, 0.9, 1.3)),
    "sagittal": _directions((2.0, 1.5, 1.5))[:, [2, 0, 1, 3]] @ np.diag([1.0, -1, 1, 1]),
    "coronal": _directions((2.0, 1.5, 1.5))[:, [1, 0, 2, 3]] @ np.diag([1.0, -1, 1, 1]),
    "oblique": rotated(_directions((2.0, 1.4, 1.6)), (17, -11, 24)),
}
"""Index directions and spacings; the origin is set by `Grid.around`."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid: its shape and the affine from array index to LPS mm."""

    shape: tuple[int, ...]
    affine: Floats

    @classmethod
    def around(cls, directions: Floats, radius_mm: float) -> "Grid":
        """The grid with these directions whose centre is LPS (0, 0, 0) and that reaches `radius_mm` every way."""
        spacing = np.linalg.norm(directions[:3, :3], axis=0)
        shape = tuple(int(2 * np.ceil(radius_mm / s) + 1) for s in spacing)
        affine = directions.copy()
        affine[:3, 3] = -directions[:3, :3] @ ((np.array(shape) - 1) / 2)
        return cls(shape, affine)

    @property
    def points(self) -> Floats:
        """LPS mm of every element, [*shape, 3]."""
        index = np.stack(np.meshgrid(*(np.arange(n) for n in self.shape), indexing="ij"), axis=-1)
        return np.asarray(index @ self.affine[:3, :3].T + self.affine[:3, 3])

    def ball(self, centre: Sequence[float], radius: float) -> Mask:
        """Elements whose centre lies in the ball."""
        return self.ellipsoid(centre, (radius, radius, radius))

    def ellipsoid(self, centre: Sequence[float], radii: Sequence[float]) -> Mask:
        """Elements whose centre lies in the ellipsoid with axes along L, P and S."""
        return np.asarray((((self.points - np.array(centre)) / np.array(radii)) ** 2).sum(axis=-1) <= 1)


def volume(grid: Grid, voxels: npt.NDArray[Any], **attributes: Any) -> Volume:
    """A CT volume in Hounsfield units with these values; `attributes` replace what is set here."""
    values: dict[str, Any] = {
        "voxels": voxels.astype(np.float32),
        "affine": grid.affine,
        "frames": tuple(
            FrameReference(SOPInstanceUID(f"1.2.{i}"), "1.2.840.10008.5.1.4.1.1.2") for i in range(len(voxels))
        ),
        "frame_of_reference_uid": "1.2.3",
        "modality": "CT",
        "unit": HOUNSFIELD_UNIT,
    }
    return Volume(**{**values, **attributes})


def image(pixels: npt.NDArray[Any], **attributes: Any) -> PlanarImage:
    """A DX image with the patient's left at its right border and 0.5 mm pixels in the detector plane."""
    values: dict[str, Any] = {
        "pixels": pixels if pixels.ndim == 3 else pixels.astype(np.float32),
        "frame": FrameReference(SOPInstanceUID("1.2.9"), "1.2.840.10008.5.1.4.1.1.1.1"),
        "photometric_interpretation": "MONOCHROME2",
        "modality": "DX",
        "pixel_spacing_mm": (0.5, 0.5),
        "spacing_source": "ImagerPixelSpacing",
        "patient_orientation": ("L", "F"),
    }
    return PlanarImage(**{**values, **attributes})


def stored(grid: Grid, values: npt.NDArray[Any], axes: Sequence[int], flips: Sequence[bool]) -> tuple[Grid, Any]:
    """The same values at the same places of the patient, with the array axes permuted and mirrored."""
    again = Phantom(values, grid.affine).stored(axes, flips)
    return Grid(again.values.shape, again.affine), again.values


def on_source_grid(source: Source, channels: int = 1) -> Prepared:
    """A prepared image whose grid is that of its source."""
    shape = source_shape(source)
    values = np.zeros((channels, *shape), dtype=np.float32)
    place = source.affine if isinstance(source, Volume) else None
    return Prepared(
        image=GridImage(values=values, to_source=np.eye(len(shape) + 1), source_shape=shape, to_patient=place)
    )
