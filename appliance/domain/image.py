"""Images as the models and the measurements see them: what was stored, and grids derived from it.

Index order is array order everywhere: a volume is [slice, row, column], an image [row, column]. Affines multiply
column vectors of array indices; index (0, 0, 0) is the centre of the first voxel. Patient coordinates are LPS in mm
(PS3.3 C.7.6.2.1.1).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.domain.coding import NO_UNITS, CodedConcept
from appliance.domain.identifiers import SOPInstanceUID

Array = npt.NDArray[Any]
Affine = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FrameReference:
    """The stored frame that a slice came from; `frame_number` counts from 1 and is None for single-frame objects."""

    sop_instance_uid: SOPInstanceUID
    sop_class_uid: str
    frame_number: int | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Volume:
    """A stack of parallel, uniformly spaced slices.

    voxels: float32 [slice, row, column] after the Modality LUT (HU for CT), MONOCHROME1 not inverted, VOI not applied.
    affine: (4, 4) from array index (slice, row, column, 1) to LPS mm.
    frames: one reference per slice, in slice order. Slice order follows the normal row x column direction, ascending.
    padding: True where Pixel Padding Value says there is no image; None when the header names no padding.
    """

    voxels: npt.NDArray[np.float32] = field(repr=False)
    affine: Affine
    frames: tuple[FrameReference, ...] = field(repr=False)
    frame_of_reference_uid: str
    modality: str
    unit: CodedConcept = NO_UNITS
    padding: Mask | None = field(default=None, repr=False)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxel centres along slice, row and column index."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(lengths[0]), float(lengths[1]), float(lengths[2])

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(abs(np.linalg.det(self.affine[:3, :3])) / 1000.0)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PlanarImage:
    """One frame without a place in patient space (CR, DX, MG, US, XA, SC).

    pixels: float32 [row, column] after the Modality LUT, or uint8 [row, column, 3] RGB.
    pixel_spacing_mm: (between rows, between columns), or None when the header has none; `spacing_source` is the
    keyword it came from. patient_orientation: directions of (row, column) index growth along a row and down a column
    as in Patient Orientation
    (PS3.3 C.7.6.1.1.1), for example ("L", "F"), or None.
    """

    pixels: Array = field(repr=False)
    frame: FrameReference
    photometric_interpretation: str
    modality: str
    pixel_spacing_mm: tuple[float, float] | None = None
    spacing_source: str | None = None
    patient_orientation: tuple[str, str] | None = None
    window: tuple[float, float] | None = None
    padding: Mask | None = field(default=None, repr=False)


Source = Volume | PlanarImage


def source_values(source: Source) -> Array:
    """The array of a volume or an image."""
    return source.voxels if isinstance(source, Volume) else source.pixels


def source_shape(source: Source) -> tuple[int, ...]:
    """Spatial shape: (slices, rows, columns) or (rows, columns)."""
    return source.voxels.shape if isinstance(source, Volume) else source.pixels.shape[:2]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SeriesImages:
    """What a model may read of one series: a volume, or planar frames; and the headers the results refer to.

    headers: pydicom datasets without pixel data, one per SOP instance (the domain does not import pydicom), in slice
    order for a volume of single-frame objects.
    """

    sources: tuple[Source, ...]
    headers: tuple[Any, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GridImage:
    """Values on a regular grid, and where that grid lies in its source.

    values: [channel, *spatial] with 3, 2 or 0 spatial axes (0 = plain features).
    to_source: (n + 1, n + 1) from this grid's spatial array index to the source's spatial array index.
    to_patient: (4, 4) from this grid's array index to LPS mm; None for planar images.
    """

    values: Array = field(repr=False)
    to_source: Affine
    source_shape: tuple[int, ...]
    to_patient: Affine | None = None

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """Shape without the channel axis."""
        return self.values.shape[1:]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Prepared:
    """A grid ready for the network, with the statistics that later stages recall (clip values, content size)."""

    image: GridImage
    notes: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
