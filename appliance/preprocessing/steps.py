"""The steps a manifest may name, and the options each takes.

Most steps see only the grid; some also need the source it came from, or the notes of earlier steps and stages.
"""

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from appliance.domain.errors import ManifestInvalid
from appliance.domain.image import GridImage, Source
from appliance.domain.model_package import Step
from appliance.preprocessing import cropping, features, normalisation, orientation, pixel_values, resampling

Notes = Mapping[str, float]

_ON_GRID: Mapping[str, Callable[..., GridImage]] = {
    "orient": orientation.orient,
    "resize": resampling.to_shape,
    "resample": resampling.to_spacing,
    "resize_shorter_side": resampling.shorter_side,
    "resize_longest_side": resampling.longest_side,
    "median": resampling.median,
    "crop_to_body": cropping.body_box,
    "fit": cropping.fit,
    "fit_plane": cropping.fit_plane,
    "clip": normalisation.clip,
    "affine": normalisation.affine,
    "min_max": normalisation.min_max,
    "grey_levels": normalisation.grey_levels,
    "round": normalisation.round_values,
    "z_score": normalisation.z_score,
    "channel_statistics": normalisation.channel_statistics,
    "to_grey": pixel_values.to_grey,
    "to_rgb": pixel_values.to_rgb,
    "features": features.features,
}

_WITH_SOURCE: Mapping[str, Callable[..., GridImage]] = {
    "invert_monochrome1": pixel_values.invert_monochrome1,
    "fill_padding": pixel_values.fill_padding,
}

_NOTING: Mapping[str, Callable[..., tuple[GridImage, Notes]]] = {"percentile_clip": normalisation.percentile_clip}

_RECALLING: Mapping[str, Callable[..., GridImage]] = {"recalled_clip": normalisation.recalled_clip}

_ALL: Mapping[str, Callable[..., Any]] = {**_ON_GRID, **_WITH_SOURCE, **_NOTING, **_RECALLING}


def _options(function: Callable[..., Any]) -> frozenset[str]:
    parameters = inspect.signature(function).parameters.values()
    return frozenset(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)


STEP_OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType({name: _options(f) for name, f in _ALL.items()})
"""Step name -> the options it takes."""


def apply(step: Step, image: GridImage, source: Source, notes: Notes) -> tuple[GridImage, Notes]:
    """The grid after one step, and all notes including the new ones.

    Raises ManifestInvalid when the step does not exist, lacks an option, or is given one that has no meaning; what
    the step itself raises when the image does not suit it.
    """
    if step.name not in _ALL:
        raise ManifestInvalid(f"there is no step {step.name!r}", where="steps")
    arguments: list[Any] = [image]
    if step.name in _WITH_SOURCE:
        arguments.append(source)
    if step.name in _RECALLING:
        arguments.append(notes)
    result = _call(step, arguments)
    if step.name in _NOTING:
        return result[0], {**notes, **result[1]}
    return result, notes


def _call(step: Step, arguments: list[Any]) -> Any:
    function = _ALL[step.name]
    try:
        inspect.signature(function).bind(*arguments, **step.options)
        return function(*arguments, **step.options)
    except (TypeError, ValueError) as error:
        raise ManifestInvalid(f"{error}", where=f"steps.{step.name}") from error
