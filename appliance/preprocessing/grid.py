"""The start of every chain of steps, and the one place where a step says how its grid lies in the one before."""

import dataclasses

import numpy as np

from appliance.domain.image import Affine, Array, GridImage, Source, Volume


def from_source(source: Source) -> GridImage:
    """The source as a grid of its own: values [channel, *spatial], the pixels themselves are not copied."""
    if isinstance(source, Volume):
        return GridImage(
            values=source.voxels[np.newaxis],
            to_source=np.eye(4),
            source_shape=source.voxels.shape,
            to_patient=np.asarray(source.affine, dtype=np.float64),
        )
    pixels = source.pixels[np.newaxis] if source.pixels.ndim == 2 else np.moveaxis(source.pixels, -1, 0)
    values = np.ascontiguousarray(pixels, dtype=np.float32)
    return GridImage(values=values, to_source=np.eye(3), source_shape=source.pixels.shape[:2])


def with_values(image: GridImage, values: Array) -> GridImage:
    """The same grid with other values."""
    return dataclasses.replace(image, values=values)


def regrid(image: GridImage, values: Array, to_previous: Affine) -> GridImage:
    """A new grid: `to_previous` leads from its index to the index in the grid of `image`."""
    to_patient = None if image.to_patient is None else image.to_patient @ to_previous
    return dataclasses.replace(image, values=values, to_source=image.to_source @ to_previous, to_patient=to_patient)


def scaled(scale: tuple[float, ...], offset: tuple[float, ...]) -> Affine:
    """Affine that multiplies each index by `scale` and adds `offset`."""
    affine = np.diag((*scale, 1.0))
    affine[:-1, -1] = offset
    return affine


def spacing_mm(image: GridImage) -> tuple[float, ...]:
    """Distance between neighbouring elements along each axis in mm; 1 for grids without a place in the patient."""
    if image.to_patient is None:
        return (1.0,) * len(image.spatial_shape)
    return tuple(float(length) for length in np.linalg.norm(image.to_patient[:3, :3], axis=0))
