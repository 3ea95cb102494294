"""Grids to prepare: ramps whose values say where they lie."""

from typing import Any

import numpy as np
import numpy.typing as npt

from appliance.domain.image import GridImage, Volume
from appliance.preprocessing.grid import from_source
from tests.helpers.shapes import AXIAL, Grid, volume

COEFFICIENTS = np.array([1.0, -2.0, 0.5])


def in_space(shape: tuple[int, int, int], directions: npt.NDArray[np.float64] = AXIAL) -> Volume:
    """A volume whose values are linear in the patient's coordinates (mm)."""
    grid = Grid(shape, directions)
    return volume(grid, grid.points @ COEFFICIENTS)


def flat(values: Any) -> GridImage:
    """A planar grid of its own."""
    array = np.asarray(values, dtype=np.float32)
    return GridImage(values=array[np.newaxis], to_source=np.eye(array.ndim + 1), source_shape=array.shape)


def solid(values: Any) -> GridImage:
    """A grid in space of these values, 2 x 1.5 x 1.5 mm."""
    array = np.asarray(values, dtype=np.float32)
    return from_source(volume(Grid(array.shape, AXIAL), array))


def expected_values(image: GridImage) -> npt.NDArray[np.float64]:
    """What the ramp `in_space` has at every element of `image`."""
    assert image.to_patient is not None
    return Grid(image.spatial_shape, image.to_patient).points @ COEFFICIENTS


def source_index(image: GridImage, *index: float) -> npt.NDArray[np.float64]:
    """Where an element of `image` lies in its source."""
    return np.asarray(image.to_source @ [*index, 1.0])[:-1]
