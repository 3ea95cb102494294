"""A SEG as it is stored: its segments, and what of each lies on which source frame (PS3.3 A.51, C.8.20)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from highdicom.color import CIELabColor
from pydicom import Dataset
from pydicom.uid import RLELossless

from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import FrameReference, Mask

_NO_COLOUR = (255, 196, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSegment:
    """One item of the Segment Sequence."""

    number: int
    label: str
    tracking_uid: str
    colour: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StoredPlane:
    """What lies on one source frame: masks bool [row, column] by Segment Number."""

    frame: FrameReference
    masks: Mapping[int, Mask] = field(repr=False)


def segments_of(dataset: Dataset) -> tuple[StoredSegment, ...]:
    """The segments in the order of the object; a label map's background is none of them."""
    return tuple(
        StoredSegment(
            number=int(item.SegmentNumber),
            label=str(item.get("SegmentLabel") or ""),
            tracking_uid=str(item.get("TrackingUID") or ""),
            colour=_colour(item),
        )
        for item in dataset.SegmentSequence
        if int(item.SegmentNumber) > 0
    )


def areas(dataset: Dataset) -> Mapping[FrameReference, Mapping[int, int]]:
    """How many pixels of each segment lie on each source frame; in the order of the object."""
    found: dict[FrameReference, dict[int, int]] = {}
    for frame, number, mask in _frames(dataset):
        size = int(mask.sum())
        if size:
            found.setdefault(frame, {})[number] = size
    return found


def plane(dataset: Dataset, frame: FrameReference) -> StoredPlane:
    """What lies on one source frame; no masks where nothing does."""
    masks = {number: mask for found, number, mask in _frames(dataset) if found == frame and mask.any()}
    return StoredPlane(frame=frame, masks=masks)


def telling_frame(found: Mapping[FrameReference, Mapping[int, int]], segment: int | None) -> FrameReference | None:
    """The frame that shows most of one segment; without one, the largest sections of all; None where nothing is."""
    wanted = {number for sizes in found.values() for number in sizes} if segment is None else {segment}
    largest = {number: max((sizes.get(number, 0) for sizes in found.values()), default=0) for number in wanted}

    def shown(frame: FrameReference) -> float:
        return sum(found[frame].get(number, 0) / size for number, size in largest.items() if size)

    best = max(found, key=shown, default=None)
    return best if best is not None and shown(best) > 0 else None


def _frames(dataset: Dataset) -> Iterator[tuple[FrameReference, int, Mask]]:
    """(source frame, Segment Number, pixels) of every stored frame; a frame of a label map comes once per label."""
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        dataset.pixel_array_options(decoding_plugin="pylibjpeg")
    pixels = dataset.pixel_array.reshape((int(dataset.NumberOfFrames), dataset.Rows, dataset.Columns))
    shared = dataset.SharedFunctionalGroupsSequence[0]
    binary = str(dataset.SegmentationType) != "LABELMAP"
    for item, stored in zip(dataset.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        source = item.DerivationImageSequence[0].SourceImageSequence[0]
        number = source.get("ReferencedFrameNumber")
        frame = FrameReference(
            SOPInstanceUID(str(source.ReferencedSOPInstanceUID)),
            str(source.ReferencedSOPClassUID),
            int(number) if number else None,
        )
        if binary:
            named = (item.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence)[0]
            yield frame, int(named.ReferencedSegmentNumber), np.asarray(stored != 0)
        else:
            for value in np.unique(stored[stored > 0]):
                yield frame, int(value), np.asarray(stored == value)


def _colour(item: Dataset) -> tuple[int, int, int]:
    value = item.get("RecommendedDisplayCIELabValue")
    if value is None:
        return _NO_COLOUR
    red, green, blue = CIELabColor.from_dicom_value(tuple(int(part) for part in value)).to_rgb()
    return int(red), int(green), int(blue)
