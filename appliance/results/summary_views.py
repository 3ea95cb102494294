"""What a summary shows of the images: the slices that show most of each segment, and what is written at their edges."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydicom import Dataset

from appliance.domain.finding import Segment
from appliance.domain.image import Array, FrameReference, Mask, PlanarImage, SeriesImages, Source, Volume
from appliance.results.summary_window import Shown, Window, shown, window_for

MOST_VIEWS = 4
_ENOUGH = 0.5
"""Another slice is shown if, over all segments, it adds this share of the largest section of one."""
_OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}
_GROWING = ("L", "P", "H")
_OBLIQUE = 0.35
"""A direction is named besides the first from some 20 degrees on."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outline:
    """A segment (source_index, number) as it lies in a view; mask: bool [row, column]."""

    segment: tuple[int, int]
    name: str
    colour: tuple[int, int, int]
    mask: Mask = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class View:
    """One frame in the orientation in which it is stored.

    pixels: uint8 [row, column] or [row, column, 3]. spacing_mm: (between rows, between columns), None if unknown;
    at_detector: it was measured there and not in the patient. directions: the patient directions that column and row
    index grow to, as in Patient Orientation; None if unknown. window: None for a colour image.
    """

    pixels: Shown = field(repr=False)
    frame: FrameReference
    series_number: str
    image_number: str
    spacing_mm: tuple[float, float] | None
    at_detector: bool
    directions: tuple[str, str] | None
    window: Window | None
    outlines: tuple[Outline, ...]


def views_of(segments: Sequence[Segment], images: SeriesImages, name_of: Callable[[Segment], str]) -> tuple[View, ...]:
    """At most MOST_VIEWS frames that show the segments with a voxel; none where no segment has one."""
    headers = {str(header.SOPInstanceUID): header for header in images.headers}
    filled = [segment for segment in segments if segment.mask.any()]
    views: list[View] = []
    for index, source in enumerate(images.sources):
        here = [segment for segment in filled if segment.source_index == index]
        if here:
            views += _of_source(here, source, headers, name_of)
    return tuple(views[:MOST_VIEWS])


def directions(source: Source) -> tuple[str, str] | None:
    """The patient directions towards the right edge and towards the lower edge of a stored frame, for example
    ("L", "P"); computed from the affine of a volume, taken from Patient Orientation of a planar image.
    """
    if isinstance(source, Volume):
        return letters(source.affine[:3, 2]), letters(source.affine[:3, 1])
    pair = tuple(value.upper() for value in source.patient_orientation or ())
    if len(pair) != 2 or not all(value and set(value) <= set(_OPPOSITE) for value in pair):
        return None
    return pair[0], pair[1]


def opposite(direction: str) -> str:
    """Of one direction or several, letter by letter."""
    return "".join(_OPPOSITE[letter] for letter in direction)


def telling_slices(masks: Sequence[Mask]) -> tuple[int, ...]:
    """Slices, ascending, that together show most of each mask [slice, row, column]; every mask has a voxel.

    The first is the one that shows the largest sections of all masks; each further one adds most to it.
    """
    areas = np.stack([mask.sum(axis=(1, 2)) for mask in masks]).astype(float)
    shares = areas / areas.max(axis=1, keepdims=True)
    seen = np.zeros((len(masks), 1))
    chosen: list[int] = []
    while len(chosen) < MOST_VIEWS:
        gains = np.maximum(shares - seen, 0).sum(axis=0)
        best = int(gains.argmax())
        if chosen and gains[best] < _ENOUGH:
            break
        chosen.append(best)
        seen = np.maximum(seen, shares[:, best : best + 1])
    return tuple(sorted(chosen))


def _of_source(
    segments: Sequence[Segment], source: Source, headers: Mapping[str, Dataset], name_of: Callable[[Segment], str]
) -> Iterator[View]:
    if isinstance(source, PlanarImage):
        outlines = tuple(_outline(s, s.mask, name_of) for s in segments)
        inverted = source.photometric_interpretation == "MONOCHROME1"
        header = headers[source.frame.sop_instance_uid]
        yield _view(source, source.frame, source.pixels, source.padding, header, outlines, inverted=inverted)
        return
    for index in telling_slices([segment.mask for segment in segments]):
        outlines = tuple(_outline(s, s.mask[index], name_of) for s in segments if s.mask[index].any())
        frame = source.frames[index]
        header = headers[frame.sop_instance_uid]
        padding = source.padding[index] if source.padding is not None else None
        inverted = header.get("PhotometricInterpretation") == "MONOCHROME1"
        yield _view(source, frame, source.voxels[index], padding, header, outlines, inverted=inverted)


def _outline(segment: Segment, mask: Mask, name_of: Callable[[Segment], str]) -> Outline:
    place = segment.source_index, segment.number
    return Outline(segment=place, name=name_of(segment), colour=segment.colour, mask=mask)


def _view(
    source: Source,
    frame: FrameReference,
    values: Array,
    padding: Mask | None,
    header: Dataset,
    outlines: tuple[Outline, ...],
    *,
    inverted: bool,
) -> View:
    subject = np.logical_or.reduce([outline.mask for outline in outlines])
    grey = values.ndim == 2
    window = window_for(values, subject, header, source.modality, frame.frame_number) if grey else None
    pixels = values if window is None else shown(values, window, inverted=inverted, padding=padding)
    planar = isinstance(source, PlanarImage)
    return View(
        pixels=np.asarray(pixels, dtype=np.uint8),
        frame=frame,
        series_number=str(header.get("SeriesNumber") or ""),
        image_number=str(header.get("InstanceNumber") or ""),
        spacing_mm=source.pixel_spacing_mm if isinstance(source, PlanarImage) else source.spacing_mm[1:],
        at_detector=planar and getattr(source, "spacing_source", None) == "ImagerPixelSpacing",
        directions=directions(source),
        window=window,
        outlines=outlines,
    )


def letters(step: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    """The patient directions of a vector in LPS: the nearest first (PS3.3 C.7.6.1.1.1)."""
    unit = step / np.linalg.norm(step)
    order = np.argsort(-np.abs(unit), kind="stable")
    named = [axis for position, axis in enumerate(order) if position == 0 or abs(unit[axis]) >= _OBLIQUE]
    return "".join(_GROWING[axis] if unit[axis] > 0 else _OPPOSITE[_GROWING[axis]] for axis in named)
