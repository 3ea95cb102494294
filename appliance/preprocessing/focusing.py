"""The cascade's crop: the part of the source in which a stage found what the next one looks at."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from appliance.domain.errors import AnatomyNotFound, ManifestInvalid, RuntimeMismatch
from appliance.domain.image import Affine, Array, GridImage, Mask, Prepared, Source, source_shape
from appliance.domain.model_package import Option
from appliance.preprocessing.cropping import Box, crop, largest_component
from appliance.preprocessing.grid import from_source

FOCUS_OPTIONS = frozenset({"output", "channel", "threshold", "largest_component", "plane_mean", "margin"})
"""The keys that `focus` of a stage may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    output: str
    channel: int = 0
    threshold: float = 0.5
    largest_component: bool = True
    plane_mean: float = 0.0
    margin: float = 0.0


def focus(
    source: Source, prepared: Prepared, outputs: Mapping[str, Array], options: Mapping[str, Option]
) -> GridImage | None:
    """Crop the source to a box around what a stage found; None when the stage does not focus (no options).

    Where channel `channel` of `output` ([channel, *spatial] on the prepared grid) exceeds `threshold`, its largest
    connected region (faces, edges and corners touch) is taken. Per axis the box spans the planes in which more than
    `plane_mean` of the elements belong to it, and grows by `margin` times its size on each side. Centre and size are
    rounded in whole source elements counted along the prepared grid's axes, so that the same patient gives the same
    box however the slices were stored.
    Raises AnatomyNotFound when the box is empty.
    """
    if not options:
        return None
    chosen = _read(options)
    found = _found(outputs, prepared.image, chosen)
    box = _box(found, prepared.image, source_shape(source), chosen)
    return crop(from_source(source), box)


def _read(options: Mapping[str, Option]) -> _Options:
    try:
        return _Options(**options)  # type: ignore[arg-type] # options of a manifest are untyped
    except TypeError as error:
        raise ManifestInvalid(str(error), where="stages.focus") from error


def _found(outputs: Mapping[str, Array], image: GridImage, chosen: _Options) -> Mask:
    if chosen.output not in outputs:
        raise ManifestInvalid(f"the stage has no output {chosen.output!r}", where="stages.focus")
    values = outputs[chosen.output]
    if values.shape[1:] != image.spatial_shape or chosen.channel >= values.shape[0]:
        raise RuntimeMismatch(f"output {chosen.output!r} of shape {values.shape} is not on the prepared grid")
    mask: Mask = values[chosen.channel] > chosen.threshold
    return largest_component(mask, connectivity=mask.ndim) if chosen.largest_component else mask


def _box(found: Mask, image: GridImage, shape: tuple[int, ...], chosen: _Options) -> Box:
    box: list[slice] = [slice(0, n) for n in shape]
    for axis in range(found.ndim):
        share = found.mean(axis=tuple(a for a in range(found.ndim) if a != axis))
        planes = np.flatnonzero(share > chosen.plane_mean)
        if not planes.size:
            raise AnatomyNotFound("the first stage found nothing to look at")
        along, step, offset = _source_axis(image.to_source, axis)
        if step < 0:
            offset = shape[along] - 1 - offset
        edges = [abs(step) * (edge - 0.5) + offset + 0.5 for edge in (float(planes[0]), float(planes[-1] + 1))]
        start, stop = _grown(edges[0], edges[1], chosen.margin, shape[along])
        box[along] = slice(start, stop) if step > 0 else slice(shape[along] - stop, shape[along] - start)
    return tuple(box)


def _source_axis(to_source: Affine, axis: int) -> tuple[int, float, float]:
    """Source axis that the grid's `axis` runs along, source elements per grid element (signed), and the offset."""
    column = to_source[:-1, axis]
    along = int(np.argmax(np.abs(column)))
    return along, float(column[along]), float(to_source[along, -1])


def _grown(low: float, high: float, margin: float, length: int) -> tuple[int, int]:
    """Whole elements start..stop of the grown interval, at least one, inside 0..length."""
    centre = round(round((low + high) / 2, 6))
    size = round(round((high - low) * (1 + 2 * margin), 6))
    start = min(max(0, int(centre - size / 2)), length - 1)
    return start, max(start + 1, min(length, int(centre + size / 2)))
