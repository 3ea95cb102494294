"""What stored values mean for a network: inverted greyscale, padding that is no image, colour."""

import numpy as np

from appliance.domain.errors import ManifestInvalid
from appliance.domain.grids import nearest_in_source
from appliance.domain.image import GridImage, Mask, PlanarImage, Source
from appliance.preprocessing.grid import with_values

_LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601 weights of red, green and blue, as YBR_FULL in PS3.3 C.7.6.3.1.2."""


def invert_monochrome1(image: GridImage, source: Source) -> GridImage:
    """Turn MONOCHROME1 (low values bright) into MONOCHROME2, value -> smallest + largest - value; others stay."""
    if not isinstance(source, PlanarImage) or source.photometric_interpretation != "MONOCHROME1":
        return image
    total = image.values.min() + image.values.max()
    return with_values(image, total - image.values)


def fill_padding(image: GridImage, source: Source, *, value: float | str = "minimum") -> GridImage:
    """Give elements that Pixel Padding Value marks as no image the smallest image value, or a number.

    A grid of padding only stays as it is.
    """
    if source.padding is None:
        return image
    padded = _on_grid(source.padding, image)
    if padded.all() or not padded.any():
        return image
    if isinstance(value, str) and value != "minimum":
        raise ManifestInvalid(f"`value` is a number or minimum, not {value!r}", where="steps.fill_padding")
    fill = image.values[:, ~padded].min() if isinstance(value, str) else value
    return with_values(image, np.where(padded, np.float32(fill), image.values))


def _on_grid(mask: Mask, image: GridImage) -> Mask:
    """Source mask at the nearest source element of each grid element."""
    to_grid = np.asarray(np.linalg.inv(image.to_source), dtype=np.float64)
    return nearest_in_source(mask, to_grid, image.spatial_shape)


def to_grey(image: GridImage) -> GridImage:
    """One channel: colour is weighted to luminance, grey stays."""
    if image.values.shape[0] == 1:
        return image
    if image.values.shape[0] != 3:
        raise ManifestInvalid(f"{image.values.shape[0]} channels are no colour image", where="steps.to_grey")
    return with_values(image, np.tensordot(np.array(_LUMA, dtype=np.float32), image.values, axes=1)[np.newaxis])


def to_rgb(image: GridImage) -> GridImage:
    """Three channels: grey is repeated, colour stays."""
    if image.values.shape[0] == 3:
        return image
    if image.values.shape[0] != 1:
        raise ManifestInvalid(f"{image.values.shape[0]} channels are no grey image", where="steps.to_rgb")
    return with_values(image, np.broadcast_to(image.values, (3, *image.spatial_shape)))
