"""Plain numbers of an image, for networks that see no image."""

from collections.abc import Callable, Mapping

import numpy as np

from appliance.domain.errors import ManifestInvalid
from appliance.domain.image import Array, GridImage

_FEATURES: Mapping[str, Callable[[Array], float]] = {
    "mean": lambda values: float(values.mean(dtype=np.float64)),
    "std": lambda values: float(values.std(dtype=np.float64)),
    "min": lambda values: float(values.min()),
    "max": lambda values: float(values.max()),
}


def features(image: GridImage, *, names: tuple[str, ...]) -> GridImage:
    """The statistics `names` (mean, std, min, max) over all values, as [feature]; std is the population's.

    Raises ManifestInvalid for another name.
    """
    unknown = [name for name in names if name not in _FEATURES]
    if unknown or not names:
        raise ManifestInvalid(f"{', '.join(unknown) or 'no name'}: known are {', '.join(_FEATURES)}", where="features")
    values = np.array([_FEATURES[name](image.values) for name in names], dtype=np.float32)
    return GridImage(values=values, to_source=np.eye(1), source_shape=image.source_shape)
