"""Bring values to the range a network was trained on; one function per scheme."""

from collections.abc import Callable, Mapping

import numpy as np

from appliance.domain.errors import ManifestInvalid
from appliance.domain.image import Array, GridImage
from appliance.preprocessing.grid import with_values

_NOTE_LOW, _NOTE_HIGH = "clip_low", "clip_high"


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
    return with_values(image, image.values * np.float32(scale) + np.float32(offset))


def min_max(image: GridImage, *, low: float = 0.0, high: float = 1.0, per: str = "image") -> GridImage:
    """Map the smallest value to `low` and the largest to `high`; a constant becomes `low`.

    per: "image" or "slice" (each index of the first spatial axis by itself).
    """
    smallest, largest = _reduced(image.values, np.min, per), _reduced(image.values, np.max, per)
    width = np.where(largest > smallest, largest - smallest, 1.0).astype(np.float32)
    scaled = (image.values - smallest) / width
    return with_values(image, scaled * np.float32(high - low) + np.float32(low))


def grey_levels(image: GridImage, *, levels: float = 256, per: str = "slice", epsilon: float = 0.0) -> GridImage:
    """Quantise to whole levels 0..levels-1 by truncation, as a conversion to 8 bit does.

    epsilon: added to the width of the range, for networks that were trained so.
    """
    smallest, largest = _reduced(image.values, np.min, per), _reduced(image.values, np.max, per)
    width = np.where(largest > smallest, largest - smallest + epsilon, 1.0)
    return with_values(image, np.floor((image.values - smallest) * ((levels - 1) / width)).astype(np.float32))


def round_values(image: GridImage, *, low: float, high: float) -> GridImage:
    """Round to whole numbers, half up, and clip to low..high: what an 8-bit image holds after resizing."""
    return with_values(image, np.clip(np.floor(image.values + 0.5), low, high).astype(np.float32))


def z_score(image: GridImage, *, scale: float = 1.0, offset: float = 0.0, sample: bool = False) -> GridImage:
    """(value - mean) / standard deviation * scale + offset, over all values; a constant becomes `offset`.

    sample: divide by n - 1 for the standard deviation, not by n.
    """
    values = image.values
    deviation = float(values.std(dtype=np.float64, ddof=1 if sample and values.size > 1 else 0))
    mean = float(values.mean(dtype=np.float64))
    factor = scale / deviation if deviation > 0 else 0.0
    return with_values(image, (values - np.float32(mean)) * np.float32(factor) + np.float32(offset))


def channel_statistics(image: GridImage, *, mean: tuple[float, ...], std: tuple[float, ...]) -> GridImage:
    """(value - mean) / std with one mean and std per channel."""
    channels = image.values.shape[0]
    if len(mean) != channels or len(std) != channels or min(std) <= 0:
        raise ManifestInvalid(f"needs {channels} means and deviations", where="steps.channel_statistics")
    shape = (channels,) + (1,) * len(image.spatial_shape)
    means = np.array(mean, dtype=np.float32).reshape(shape)
    return with_values(image, (image.values - means) / np.array(std, dtype=np.float32).reshape(shape))


def _reduced(values: Array, statistic: Callable[..., Array], per: str) -> Array:
    if per not in ("image", "slice"):
        raise ManifestInvalid(f"`per` is image or slice, not {per!r}", where="steps")
    axes = tuple(a for a in range(values.ndim) if per == "image" or a != 1)
    return np.asarray(statistic(values, axis=axes, keepdims=True), dtype=np.float32)
