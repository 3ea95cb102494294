"""A series as one volume: planes in order, voxels after the Modality LUT, every header checked against the others."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from appliance.domain.errors import InputTooLarge, PixelsUnsupported, SlicesDuplicated
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import Mask, SeriesImages, Volume
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
class _Slice:
    """One frame on its way into the volume."""

    plane: FramePlane
    transform: ModalityTransform
    padding: tuple[int, int] | None

    @property
    def uid(self) -> SOPInstanceUID:
        return self.plane.frame.sop_instance_uid

    @property
    def frame_index(self) -> int:
        return (self.plane.frame.frame_number or 1) - 1


def read_volume(series: Series, open_object: OpenObject, limits: ReadLimits = DEFAULT_LIMITS) -> SeriesImages:
    """All frames of `series` as one volume, and one header per object in slice order (in full for the first).

    Headers are read and checked first; pixels are then decoded slice by slice straight into the volume.
    Raises a subclass of InputRefused with the reason.
    """
    slices: list[_Slice] = []
    pixels: list[ImagePixel] = []
    headers: dict[SOPInstanceUID, Dataset] = {}
    slice_headers = SliceHeaders()
    for uid in series.sop_instance_uids:
        dataset = open_object(uid, False)
        pixels.append(image_pixel(dataset, frame_pixels=limits.frame_pixels))
        slices.extend(_slices(dataset))
        headers[uid] = slice_headers.header(dataset)
    _refuse_mixed(pixels)
    _refuse_size(slices, limits)
    unit = common_unit(
        (item.transform for item in slices), series.modality, text(next(iter(headers.values())), "Units")
    )

    def same_pixels(first: int, second: int) -> bool:
        return _hold_same_image(slices[first], slices[second], open_object)

    stack = stack_planes([item.plane for item in slices], same_pixels)
    ordered = [slices[index] for index in stack.order]
    voxels, padding = _fill(ordered, open_object)
    volume = Volume(
        voxels=voxels,
        affine=stack.affine,
        frames=tuple(item.plane.frame for item in ordered),
        frame_of_reference_uid=ordered[0].plane.frame_of_reference_uid,
        modality=series.modality,
        unit=unit,
        padding=padding,
    )
    first, *others = dict.fromkeys(item.uid for item in ordered)
    full = reference_header(open_object(first, False))
    return SeriesImages(sources=(volume,), headers=(full, *(headers[uid] for uid in others)))


def _slices(header: Dataset) -> Iterable[_Slice]:
    padding = padding_range(header)
    for plane in planes_of(header):
        number = plane.frame.frame_number
        transform = modality_transform(header, None if number is None else number - 1)
        yield _Slice(plane=plane, transform=transform, padding=padding)


def _refuse_mixed(pixels: Sequence[ImagePixel]) -> None:
    photometric = {pixel.photometric_interpretation for pixel in pixels}
    if len(photometric) > 1 or not photometric <= {"MONOCHROME1", "MONOCHROME2"}:
        raise PixelsUnsupported(f"a volume of {', '.join(sorted(photometric))} slices")


def _refuse_size(slices: Sequence[_Slice], limits: ReadLimits) -> None:
    size = sum(item.plane.rows * item.plane.columns for item in slices) * np.dtype(np.float32).itemsize
    if size > limits.series_bytes:
        raise InputTooLarge(f"the volume takes {size // MIB} MiB, the limit is {limits.series_bytes // MIB} MiB")


def _hold_same_image(first: _Slice, second: _Slice, open_object: OpenObject) -> bool:
    """Whether two objects hold the same values; frames of one object at one place are never taken for copies."""
    if first.uid == second.uid:
        raise SlicesDuplicated("two frames of one object have the same position")
    values = []
    for item in (first, second):
        frames = StoredFrames(open_object(item.uid, True))
        values.append(item.transform.apply(frames.decode(item.frame_index)))
    return bool(np.array_equal(values[0], values[1]))


def _fill(ordered: Sequence[_Slice], open_object: OpenObject) -> tuple[npt.NDArray[np.float32], Mask | None]:
    """Voxels [slice, row, column], and the padding mask or None when no header names a padding."""
    shape = (len(ordered), ordered[0].plane.rows, ordered[0].plane.columns)
    voxels = np.empty(shape, np.float32)
    padded = any(item.padding is not None for item in ordered)
    mask = np.zeros(shape, np.bool_) if padded else None

    def place(index: int, frames: StoredFrames) -> None:
        item = ordered[index]
        stored = frames.decode(item.frame_index)
        voxels[index] = item.transform.apply(stored)
        if mask is not None and item.padding is not None:
            mask[index] = padding_mask(stored, item.padding)

    def place_object(indices: list[int]) -> None:
        frames = StoredFrames(open_object(ordered[indices[0]].uid, True))
        for index in indices:
            place(index, frames)

    groups = [list(group) for _, group in groupby(range(len(ordered)), key=lambda index: ordered[index].uid)]
    with ThreadPoolExecutor(DECODING_THREADS, thread_name_prefix="decode") as pool:
        for _ in pool.map(place_object, groups):
            pass
    for array in (voxels, mask):
        if array is not None:
            array.flags.writeable = False
    return voxels, mask
