"""A series as one volume: planes in order, voxels after the Modality LUT, every header checked against the others."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from appliance.domain.coding import CodedConcept
from appliance.domain.errors import InputTooLarge, PixelsUnsupported, SlicesDuplicated
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import Affine, Mask, SeriesImages, Volume
from appliance.domain.study import Series
from appliance.study.attributes import text
from appliance.study.decoding import StoredFrames
from appliance.study.geometry import FramePlane, stack_planes
from appliance.study.image_pixel import ImagePixel, image_pixel
from appliance.study.objects import DEFAULT_LIMITS, MIB, ReadLimits
from appliance.study.pixel_values import (
    ModalityTransform,
    common_unit,
    modality_transform,
    padding_mask,
    padding_range,
)
from appliance.study.planes import planes_of
from appliance.study.reference_headers import SliceHeaders, reference_header

OpenObject = Callable[[SOPInstanceUID, bool], Dataset]
"""Gives the dataset of an instance, with pixel data or without (second argument); raises InputRefused."""

DECODING_THREADS = max(1, min(8, os.cpu_count() or 1))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PlannedSlice:
    """One frame on its way into the volume."""

    plane: FramePlane
    transform: ModalityTransform
    padding: tuple[int, int] | None

    @property
    def uid(self) -> SOPInstanceUID:
        """The object that holds the frame."""
        return self.plane.frame.sop_instance_uid

    @property
    def frame_index(self) -> int:
        """Which of its frames, from 0."""
        return (self.plane.frame.frame_number or 1) - 1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Survey:
    """A volume as its headers describe it, before any pixel is decoded: slices in order, and one header per object."""

    ordered: tuple[PlannedSlice, ...]
    affine: Affine
    modality: str
    unit: CodedConcept
    headers: tuple[Dataset, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        return len(self.ordered), self.ordered[0].plane.rows, self.ordered[0].plane.columns

    @property
    def is_padded(self) -> bool:
        """Whether a header names a padding value."""
        return any(item.padding is not None for item in self.ordered)


def read_volume(series: Series, open_object: OpenObject, limits: ReadLimits = DEFAULT_LIMITS) -> SeriesImages:
    """All frames of `series` as one volume, and one header per object in slice order (in full for the first).

    Headers are read and checked first; pixels are then decoded slice by slice straight into the volume.
    Raises a subclass of InputRefused with the reason.
    """
    survey = survey_volume(series, open_object, limits)
    voxels = np.empty(survey.shape, np.float32)
    mask = np.zeros(survey.shape, np.bool_) if survey.is_padded else None
    numbered = list(enumerate(survey.ordered))
    objects = [list(group) for _, group in groupby(numbered, key=lambda entry: entry[1].uid)]
    with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decode") as pool:
        for _ in pool.map(lambda work: fill(work, open_object, voxels, mask), objects):
            pass
    for array in (voxels, mask):
        if array is not None:
            array.flags.writeable = False
    return assemble(survey, voxels, mask)


def survey_volume(series: Series, open_object: OpenObject, limits: ReadLimits = DEFAULT_LIMITS) -> Survey:
    """What the headers say about the volume. Raises a subclass of InputRefused with the reason."""
    parsed = parse_headers(series.sop_instance_uids, open_object, limits)
    return plan_volume(
        series,
        parsed,
        same_image=lambda first, second: hold_same_image(first, second, open_object),
        full_header=lambda uid: reference_header(open_object(uid, False)),
        limits=limits,
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ParsedHeader:
    """One object on its way into a volume: its Image Pixel Module, its frames, and what results need of its header."""

    pixel: ImagePixel
    slices: tuple[PlannedSlice, ...]
    header: Dataset


def parse_headers(
    uids: Iterable[SOPInstanceUID], open_object: OpenObject, limits: ReadLimits = DEFAULT_LIMITS
) -> list[ParsedHeader]:
    """The headers of these objects; equal elements are shared. Raises a subclass of InputRefused."""
    slice_headers = SliceHeaders()
    parsed = []
    for uid in uids:
        dataset = open_object(uid, False)
        pixel = image_pixel(dataset, frame_pixels=limits.frame_pixels)
        slices = tuple(_slices(dataset))
        parsed.append(ParsedHeader(pixel=pixel, slices=slices, header=slice_headers.header(dataset)))
    return parsed


def plan_volume(
    series: Series,
    parsed: Sequence[ParsedHeader],
    *,
    same_image: Callable[[PlannedSlice, PlannedSlice], bool],
    full_header: Callable[[SOPInstanceUID], Dataset],
    limits: ReadLimits = DEFAULT_LIMITS,
) -> Survey:
    """Put the slices in order and check every header against the others; `parsed` follows the instances of `series`.

    `same_image` is asked where two objects claim one position. Raises a subclass of InputRefused with the reason.
    """
    slices = [item for each in parsed for item in each.slices]
    headers = {uid: each.header for uid, each in zip(series.sop_instance_uids, parsed, strict=True)}
    _refuse_mixed([each.pixel for each in parsed])
    _refuse_size(slices, limits)
    unit = common_unit(
        (item.transform for item in slices), series.modality, text(next(iter(headers.values())), "Units")
    )
    stack = stack_planes(
        [item.plane for item in slices], lambda first, second: same_image(slices[first], slices[second])
    )
    ordered = tuple(slices[index] for index in stack.order)
    first, *others = dict.fromkeys(item.uid for item in ordered)
    return Survey(
        ordered=ordered,
        affine=stack.affine,
        modality=series.modality,
        unit=unit,
        headers=(full_header(first), *(headers[uid] for uid in others)),
    )


def assemble(survey: Survey, voxels: npt.NDArray[np.float32], padding: Mask | None) -> SeriesImages:
    """The volume of a survey whose slices were decoded into `voxels` and `padding`."""
    volume = Volume(
        voxels=voxels,
        affine=survey.affine,
        frames=tuple(item.plane.frame for item in survey.ordered),
        frame_of_reference_uid=survey.ordered[0].plane.frame_of_reference_uid,
        modality=survey.modality,
        unit=survey.unit,
        padding=padding,
    )
    return SeriesImages(sources=(volume,), headers=survey.headers)


def _slices(header: Dataset) -> Iterable[PlannedSlice]:
    padding = padding_range(header)
    for plane in planes_of(header):
        number = plane.frame.frame_number
        transform = modality_transform(header, None if number is None else number - 1)
        yield PlannedSlice(plane=plane, transform=transform, padding=padding)


def _refuse_mixed(pixels: Sequence[ImagePixel]) -> None:
    photometric = {pixel.photometric_interpretation for pixel in pixels}
    if len(photometric) > 1 or not photometric <= {"MONOCHROME1", "MONOCHROME2"}:
        raise PixelsUnsupported(f"a volume of {', '.join(sorted(photometric))} slices")


def _refuse_size(slices: Sequence[PlannedSlice], limits: ReadLimits) -> None:
    size = sum(item.plane.rows * item.plane.columns for item in slices) * np.dtype(np.float32).itemsize
    if size > limits.series_bytes:
        raise InputTooLarge(f"the volume takes {size // MIB} MiB, the limit is {limits.series_bytes // MIB} MiB")


def hold_same_image(first: PlannedSlice, second: PlannedSlice, open_object: OpenObject) -> bool:
    """Whether two objects hold the same values; frames of one object at one place are never taken for copies."""
    if first.uid == second.uid:
        raise SlicesDuplicated("two frames of one object have the same position")
    values = []
    for item in (first, second):
        frames = StoredFrames(open_object(item.uid, True))
        values.append(item.transform.apply(frames.decode(item.frame_index)))
    return bool(np.array_equal(values[0], values[1]))


def fill(
    work: Sequence[tuple[int, PlannedSlice]],
    open_object: OpenObject,
    voxels: npt.NDArray[np.float32],
    mask: Mask | None,
) -> None:
    """Decode slices, each with its place in the volume, into `voxels` [slice, row, column] and the padding `mask`.

    Slices of one object stand together in `work`: it is opened once. Raises a subclass of InputRefused.
    """
    for uid, group in groupby(work, key=lambda entry: entry[1].uid):
        frames = StoredFrames(open_object(uid, True))
        for index, item in group:
            stored = frames.decode(item.frame_index)
            voxels[index] = item.transform.apply(stored)
            if mask is not None and item.padding is not None:
                mask[index] = padding_mask(stored, item.padding)
