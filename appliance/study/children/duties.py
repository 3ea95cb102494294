"""What a child can be asked to do. Everything here runs under the child's limits."""

import mmap
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset

from appliance.domain.errors import InputRefused, UnreadableObject
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import PlanarImage, SeriesImages
from appliance.domain.model_package import InputKind
from appliance.domain.study import Instance, Series
from appliance.gate.inspection import Inspected, inspect_file
from appliance.gate.limits import Limits
from appliance.gate.reasons import Refused
from appliance.study.children.messages import Closed, receive, send_sharing
from appliance.study.decoding import StoredFrames
from appliance.study.image_pixel import image_pixel
from appliance.study.objects import ReadLimits, read_object, tolerant
from appliance.study.planar import planar_image
from appliance.study.reader import FileObjects, read_instance, read_series, refusing
from appliance.study.reference_headers import reference_header
from appliance.study.tracking import tracking_uids
from appliance.study.transcoding import dcmdjpeg
from appliance.study.volumes import ParsedHeader, PlannedSlice, fill, hold_same_image, parse_headers

Paths = Mapping[SOPInstanceUID, Path]


def instance(path: Path, limits: ReadLimits, released: bool) -> Instance:
    """The header of one object, past the gate."""
    return read_instance(path, limits, released=released)


def look(path: Path, limits: Limits) -> Inspected | Refused:
    """What the gate says of one object."""
    try:
        return inspect_file(path, limits)
    except Refused as refusal:
        return refusal


def header(path: Path, limits: ReadLimits) -> Dataset:
    """What results need of one header."""
    with tolerant():
        return reference_header(read_object(path, pixels=False, limits=limits))


def tracking(path: Path, limits: ReadLimits) -> tuple[str, ...]:
    """The tracking UIDs that a SEG or SR carries."""
    with tolerant():
        return tracking_uids(read_object(path, pixels=False, limits=limits))


def planar(series: Series, paths: Paths, limits: ReadLimits) -> SeriesImages:
    """A series as planar images."""
    return read_series(series, InputKind.IMAGE, FileObjects(paths, limits, dcmdjpeg).open, limits)


def frame(series: Series, path: Path, index: int, limits: ReadLimits) -> tuple[PlanarImage, Dataset]:
    """One frame of one object (`index` from 0), and what results need of its header."""
    with refusing(series):
        (item,) = series.instances
        dataset = FileObjects({item.sop_instance_uid: path}, limits, dcmdjpeg).open(item.sop_instance_uid, True)
        image_pixel(dataset, frame_pixels=limits.frame_pixels)
        frames = StoredFrames(dataset, frame_pixels=limits.frame_pixels)
        return planar_image(dataset, frames, index, series.modality), reference_header(dataset)


def headers(series: Series, uids: Sequence[SOPInstanceUID], paths: Paths, limits: ReadLimits) -> list[ParsedHeader]:
    """Some of the headers of a volume."""
    with refusing(series):
        return parse_headers(uids, FileObjects(paths, limits, dcmdjpeg).open, limits)


def same_image(series: Series, pair: tuple[PlannedSlice, PlannedSlice], paths: Paths, limits: ReadLimits) -> bool:
    """Whether two objects hold the same values."""
    with refusing(series):
        return hold_same_image(*pair, FileObjects(paths, limits, dcmdjpeg).open)


def slices(
    series: Series,
    work: Sequence[tuple[int, PlannedSlice]],
    paths: Paths,
    limits: ReadLimits,
    shape: tuple[int, int, int],
    *,
    voxels: int,
    mask: int | None = None,
) -> None:
    """Decode slices of a volume into shared memory: `voxels` and `mask` are descriptors of it."""
    with refusing(series):
        padding = None if mask is None else shared_array(mask, shape, np.dtype(np.bool_))
        fill(
            work, FileObjects(paths, limits, dcmdjpeg).open, shared_array(voxels, shape, np.dtype(np.float32)), padding
        )


def shared_array(
    descriptor: int, shape: tuple[int, int, int], dtype: np.dtype[Any], *, writable: bool = True
) -> np.ndarray[Any, Any]:
    """The array in an anonymous file."""
    access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    return np.frombuffer(mmap.mmap(descriptor, 0, prot=access), dtype).reshape(shape)


DUTIES: Mapping[str, Callable[..., Any]] = {
    duty.__name__: duty for duty in (instance, look, header, tracking, planar, frame, headers, same_image, slices)
}


def serve(connection: socket.socket, before_each: Callable[[], None]) -> None:
    """Say that the child is ready, then do what is asked, one request after the other, until the parent is gone.

    A child that ran out of memory says so and ends: its memory is fragmented, and the next request deserves better.
    """
    send_sharing(connection, ("done", None))
    while True:
        try:
            (name, arguments, named), descriptors = receive(connection)
        except Closed:
            return
        before_each()
        try:
            answer: tuple[str, Any] = ("done", DUTIES[name](*arguments, **dict(zip(named, descriptors, strict=True))))
        except InputRefused as refusal:
            answer = ("refused", (type(refusal), refusal.what, refusal.where))
        except MemoryError:
            answer = ("memory", None)
        except Exception as error:  # noqa: BLE001 - whatever a parser raises, the object is at fault
            answer = ("refused", (UnreadableObject, f"reading failed with {type(error).__name__}", ""))
        for descriptor in descriptors:
            os.close(descriptor)
        try:
            send_sharing(connection, answer)
        except Closed:
            return
        if answer[0] == "memory":
            return
