"""From a source to what a network takes: the steps of a stage, one after the other."""

from collections.abc import Mapping
from types import MappingProxyType

from appliance.domain.image import GridImage, Prepared, Source
from appliance.domain.model_package import Step
from appliance.preprocessing import steps as vocabulary
from appliance.preprocessing.grid import from_source


def prepare(
    source: Source, steps: tuple[Step, ...], *, focus: GridImage | None, notes: Mapping[str, float]
) -> Prepared:
    """Apply `steps` to the source, or to the part of it that an earlier stage focused on.

    notes: what steps of earlier stages noted; the result holds those and the new ones. The source is not changed.
    Raises ManifestInvalid for steps that have no meaning, AnatomyNotFound when there is nothing to crop to, and
    InputTooLarge.
    """
    image = from_source(source) if focus is None else focus
    known: Mapping[str, float] = dict(notes)
    for step in steps:
        image, known = vocabulary.apply(step, image, source, known)
    return Prepared(image=image, notes=MappingProxyType(dict(known)))
