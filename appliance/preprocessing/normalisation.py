"""Bring values to the range a network was trained on; one function per scheme."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from appliance.domain.errors import ManifestInvalid
from appliance.domain.image import Array, GridImage
from appliance.preprocessing.grid import with_values

_NOTE_LOW, _NOTE_HIGH = "clip_low", "clip_high"
_BLOCK = 65_536


def clip(image: GridImage, *, low: float, high: float) -> GridImage:
    """Values below `low` become `low`, above `high` become `high`."""
    return with_values(image, np.clip(image.values, np.float32(low), np.float32(high)))


def percentile_clip(image: GridImage, *, low: float, high: float) -> tuple[GridImage, Mapping[str, float]]:
    """Clip to two percentiles (0..100, linear between ranks) of all values, and note both for later stages."""
    bounds = np.percentile(image.values, [low, high])
    notes = {_NOTE_LOW: float(bounds[0]), _NOTE_HIGH: float(bounds[1])}
    return clip(image, low=notes[_NOTE_LOW], high=notes[_NOTE_HIGH]), notes


def recalled_clip(image: GridImage, notes: Mapping[str, float]) -> GridImage:
    """Clip to the values that an earlier stage noted. Raises ManifestInvalid if none did."""
    if _NOTE_LOW not in notes or _NOTE_HIGH not in notes:
        raise ManifestInvalid("no earlier stage clips by percentile", where="steps.recalled_clip")
    return clip(image, low=notes[_NOTE_LOW], high=notes[_NOTE_HIGH])


def affine(image: GridImage, *, scale: float = 1.0, offset: float = 0.0) -> GridImage:
    """value * scale + offset."""
    return with_values(image, _scaled(image.values, scale, offset))


def min_max(image: GridImage, *, low: float = 0.0, high: float = 1.0, per: str = "image") -> GridImage:
    """Map the smallest value to `low` and the largest to `high`; a constant becomes `low`.

    per: "image" or "slice" (each index of the first spatial axis by itself).
    """
    smallest, largest = _reduced(image.values, np.min, per), _reduced(image.values, np.max, per)
    width = np.where(largest > smallest, largest - smallest, 1.0).astype(np.float32)
    scaled = image.values - smallest
    scaled /= width
    return with_values(image, _scaled(scaled, high - low, low))


def grey_levels(image: GridImage, *, levels: float = 256, per: str = "slice", epsilon: float = 0.0) -> GridImage:
    """Quantise to whole levels 0..levels-1 by truncation, as a conversion to 8 bit does.

    epsilon: added to the width of the range, for networks that were trained so.
    """
    smallest, largest = _reduced(image.values, np.min, per), _reduced(image.values, np.max, per)
    width = np.where(largest > smallest, largest - smallest + epsilon, 1.0)
    quantised = (image.values - smallest).astype(np.float32, copy=False)
    quantised *= ((levels - 1) / width).astype(np.float32)
    return with_values(image, np.floor(quantised, out=quantised))


def round_values(image: GridImage, *, low: float, high: float) -> GridImage:
    """Round to whole numbers, half up, and clip to low..high: what an 8-bit image holds after resizing."""
    rounded = (image.values + np.float32(0.5)).astype(np.float32, copy=False)
    np.floor(rounded, out=rounded)
    return with_values(image, np.clip(rounded, np.float32(low), np.float32(high), out=rounded))


def z_score(image: GridImage, *, scale: float = 1.0, offset: float = 0.0, sample: bool = False) -> GridImage:
    """(value - mean) / standard deviation * scale + offset, over all values; a constant becomes `offset`.

    sample: divide by n - 1 for the standard deviation, not by n.
    """
    mean, deviation = _moments(image.values, sample=sample)
    factor = scale / deviation if deviation > 0 else 0.0
    centred = (image.values - np.float32(mean)).astype(np.float32, copy=False)
    return with_values(image, _scaled(centred, factor, offset, out=centred))


def channel_statistics(image: GridImage, *, mean: tuple[float, ...], std: tuple[float, ...]) -> GridImage:
    """(value - mean) / std with one mean and std per channel."""
    channels = image.values.shape[0]
    if len(mean) != channels or len(std) != channels or min(std) <= 0:
        raise ManifestInvalid(f"needs {channels} means and deviations", where="steps.channel_statistics")
    shape = (channels,) + (1,) * len(image.spatial_shape)
    means = np.array(mean, dtype=np.float32).reshape(shape)
    centred = image.values - means
    centred /= np.array(std, dtype=np.float32).reshape(shape)
    return with_values(image, centred)


def _scaled(values: Array, scale: float, offset: float, out: Array | None = None) -> Array:
    scaled = np.multiply(values, np.float32(scale), out=out)
    scaled += np.float32(offset)
    return np.asarray(scaled)


def _moments(values: Array, *, sample: bool) -> tuple[float, float]:
    """Mean and standard deviation in double precision, a block at a time."""
    flat = values.reshape(-1)
    blocks = [slice(start, start + _BLOCK) for start in range(0, flat.size, _BLOCK)]
    mean = math.fsum(float(flat[block].sum(dtype=np.float64)) for block in blocks) / flat.size
    squares = math.fsum(float(np.square(flat[block] - mean, dtype=np.float64).sum()) for block in blocks)
    return mean, math.sqrt(squares / (flat.size - 1 if sample and flat.size > 1 else flat.size))


def _reduced(values: Array, statistic: Callable[..., Array], per: str) -> Array:
    if per not in ("image", "slice"):
        raise ManifestInvalid(f"`per` is image or slice, not {per!r}", where="steps")
    axes = tuple(a for a in range(values.ndim) if per == "image" or a != 1)
    return np.asarray(statistic(values, axis=axes, keepdims=True), dtype=np.float32)
