"""Segmentation: outputs to one mask per label in the grid of the source, with measurements and flags.

Options of `[findings.options]`:
output               name of the output, [channel, *spatial] on the grid of the prepared image ("probability")
decide               "threshold": each label has its own channel; "argmax": the label's value is the winning channel;
                     "labels": the output holds label values itself
threshold            a channel above it belongs to the label (0.5; for logits 0.0)
channels             channel of each label, in the order of the labels (their values)
restore              "nearest": decide in the network's grid and take the nearest element; "linear": interpolate the
                     channel in the source's grid, then decide (only for decide = "threshold")
largest_component    "none", "network" or "source": in which grid only the largest part is kept
fill_holes           holes are filled in the source's grid (false)
least_share          a label that covers less than this share of the source counts as not found (0.0: any element)
laterality           "labels": the sides are those of the labels; "geometry": which of two labels is left is decided
                     by the direction of the patient, and refused where the header does not give it
cut_share            section at a border over the largest section from which the region counts as cut (0.05)
boxes                search boxes of the labels, flat list of x0, y0, x1, y1 as shares of the image
flag_below_share     flag a label that covers less than this share of the source (0.0: never)
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from appliance.domain.coding import ABSENT, RATIO
from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.finding import Evaluation, Finding, Measurement, Outcome, Segment
from appliance.domain.grids import linear_in_source, nearest_in_source
from appliance.domain.image import Array, Mask, PlanarImage, Prepared, Source, Volume
from appliance.domain.model_package import Label, ModelPackage
from appliance.findings import codes
from appliance.findings.coverage import cut_by_field_of_view, reaches_search_box, small_for_image
from appliance.findings.families import Family, choice, numbers, option, output_named
from appliance.findings.laterality import side_of, sided_by_geometry, undetermined_sides
from appliance.findings.measurements import measured_in_image, measured_in_volume
from appliance.findings.regions import fill_holes, largest_component


def interpret(
    outputs: Mapping[str, Array],
    prepared: Prepared,
    source: Source,
    package: ModelPackage,
    *,
    source_index: int = 0,
) -> tuple[Finding, ...]:
    """Segments numbered from 1 in label order, then what was measured in them, flags, and labels not found."""
    values = output_named(outputs, option(package, "output", "probability"))
    found: list[tuple[Label, Mask]] = []
    missing: list[Label] = []
    for position, label in enumerate(package.labels):
        mask = _mask(values, position, prepared, package)
        if mask.any() and mask.mean() >= option(package, "least_share", 0.0):
            found.append((label, mask))
        else:
            missing.append(label)
    labels, masks = [label for label, _ in found], [mask for _, mask in found]
    boxes = [_box(package, package.labels.index(label)) for label in labels]
    if choice(package, "laterality", ("labels", "geometry")) == "geometry":
        labels, missing = sided_by_geometry(package.labels, labels, masks, missing, source)
    segments = tuple(
        _segment(number, label, mask, package, source_index)
        for number, (label, mask) in enumerate(zip(labels, masks, strict=True), start=1)
    )
    return (
        *segments,
        *(item for segment in segments for item in _measured(segment, source)),
        *_left_right_ratio(segments, source),
        *(item for segment, box in zip(segments, boxes, strict=True) for item in _flags(segment, box, source, package)),
        *undetermined_sides(segments, source_index),
        *(_not_found(label, source_index) for label in missing),
    )


def _mask(values: Array, position: int, prepared: Prepared, package: ModelPackage) -> Mask:
    """The mask of the label at `position`, in the source's grid."""
    image = prepared.image
    if values.shape[1:] != image.spatial_shape:
        raise RuntimeMismatch(f"an output of shape {values.shape} on a grid of {image.spatial_shape}")
    keep = choice(package, "largest_component", ("none", "network", "source"))
    if choice(package, "restore", ("nearest", "linear")) == "linear":
        mask = _interpolated(values, position, prepared, package)
    else:
        in_grid = _decided(values, position, package)
        in_grid = largest_component(in_grid) if keep == "network" else in_grid
        mask = nearest_in_source(in_grid, image.to_source, image.source_shape)
    if keep == "source":
        mask = largest_component(mask)
    return fill_holes(mask) if option(package, "fill_holes", False) else mask


def _interpolated(values: Array, position: int, prepared: Prepared, package: ModelPackage) -> Mask:
    if package.options.get("largest_component") == "network" or _decide(package) != "threshold":
        raise ManifestInvalid(
            "restore = linear takes decide = threshold, and decides in the source's grid only", where=package.identity
        )
    channel = _channel(values, position, package)
    image = prepared.image
    return np.asarray(
        linear_in_source(channel, image.to_source, image.source_shape, fill=-np.inf) > option(package, "threshold", 0.5)
    )


def _decide(package: ModelPackage) -> str:
    return choice(package, "decide", ("threshold", "argmax", "labels"))


def _decided(values: Array, position: int, package: ModelPackage) -> Mask:
    decide = _decide(package)
    if decide == "threshold":
        return np.asarray(_channel(values, position, package) > option(package, "threshold", 0.5))
    value = package.labels[position].value
    if decide == "labels":
        return np.asarray(values[0] == value)
    if not 0 <= value < values.shape[0]:
        raise RuntimeMismatch(f"the output has {values.shape[0]} channels, a label is channel {value}")
    return np.asarray(values.argmax(axis=0) == value)


def _channel(values: Array, position: int, package: ModelPackage) -> Array:
    channels = numbers(package, "channels") or tuple(label.value for label in package.labels)
    if len(channels) != len(package.labels):
        raise ManifestInvalid("findings.options.channels needs one channel for each label", where=package.identity)
    number = int(channels[position])
    if not 0 <= number < values.shape[0]:
        raise RuntimeMismatch(f"the output has {values.shape[0]} channels, the manifest names channel {number}")
    channel: Array = values[number]
    return channel


def _box(package: ModelPackage, position: int) -> tuple[float, float, float, float] | None:
    boxes = numbers(package, "boxes")
    if not boxes:
        return None
    if len(boxes) != 4 * len(package.labels):
        raise ManifestInvalid("findings.options.boxes needs four numbers for each label", where=package.identity)
    x0, y0, x1, y1 = boxes[4 * position : 4 * position + 4]
    return x0, y0, x1, y1


def _segment(number: int, label: Label, mask: Mask, package: ModelPackage, source_index: int) -> Segment:
    return Segment(
        number=number,
        label=label.name,
        category=label.category,
        property_type=label.property_type,
        modifier=label.modifier,
        colour=label.colour,
        tracking_id=f"{package.name}, {label.name}",
        mask=mask,
        source_index=source_index,
    )


def _measured(segment: Segment, source: Source) -> tuple[Measurement, ...]:
    if isinstance(source, Volume):
        measured = measured_in_volume(segment.mask, source, segment.number)
        return tuple(replace(item, source_index=segment.source_index) for item in measured)
    return measured_in_image(segment.mask, source, segment.number, segment.source_index)


def _left_right_ratio(segments: Sequence[Segment], source: Source) -> Iterator[Measurement]:
    """Left over right of a paired organ: of volumes, or of projected areas (for which no spacing is needed)."""
    by_side = {side_of(segment): segment for segment in segments}
    left, right = by_side.get("left"), by_side.get("right")
    if len(segments) != 2 or left is None or right is None:
        return
    yield Measurement(
        concept=codes.LEFT_RIGHT_RATIO,
        value=float(left.mask.sum() / right.mask.sum()),
        unit=RATIO,
        derivation=None,
        method=codes.AREA if isinstance(source, PlanarImage) else codes.VOLUME,
        source_index=left.source_index,
    )


def _flags(
    segment: Segment, box: tuple[float, float, float, float] | None, source: Source, package: ModelPackage
) -> Iterator[Evaluation]:
    place = {"segment": segment.number, "source_index": segment.source_index}
    yield cut_by_field_of_view(segment.mask, source, option(package, "cut_share", 0.05), **place)
    if box is not None:
        yield reaches_search_box(segment.mask, box, **place)
    least = option(package, "flag_below_share", 0.0)
    if least > 0:
        yield small_for_image(segment.mask, least, **place)


def _not_found(label: Label, source_index: int) -> Evaluation:
    """The coded negative: the model looked for this and found none of it. A paired organ's says which side."""
    sided = codes.WITH_SIDE.get((label.property_type, label.modifier)) if label.modifier is not None else None
    return Evaluation(
        concept=sided or label.property_type,
        value=ABSENT,
        outcome=Outcome.NEGATIVE,
        explanation=label.name if label.modifier is not None and sided is None else "",
        source_index=source_index,
    )


FAMILY = Family(
    name="segmentation",
    options=frozenset(
        {
            "output",
            "decide",
            "threshold",
            "channels",
            "restore",
            "largest_component",
            "fill_holes",
            "least_share",
            "laterality",
            "cut_share",
            "boxes",
            "flag_below_share",
        }
    ),
    interpret=interpret,
)
