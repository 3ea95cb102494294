"""Where each frame of an object lies in patient space: by Image Plane Module, or by functional groups."""

from pydicom import Dataset

from appliance.domain.errors import GeometryMissing, SlicesDuplicated
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import FrameReference
from appliance.study.attributes import attribute, numbers, tagged, text
from appliance.study.functional_groups import frame_count, frame_macro, is_enhanced
from appliance.study.geometry import FramePlane


def planes_of(dataset: Dataset) -> tuple[FramePlane, ...]:
    """The plane of every frame, in frame order.

    Raises GeometryMissing where a frame has no place (cine loops, projections), SlicesDuplicated when one enhanced
    object holds several stacks.
    """
    if is_enhanced(dataset):
        return _enhanced_planes(dataset)
    frames = attribute(dataset, "NumberOfFrames")
    if isinstance(frames, int) and frames > 1:
        raise GeometryMissing("a multi-frame object without functional groups says nothing of where its frames lie")
    return (_plane(dataset, dataset, dataset, dataset, None),)


def _enhanced_planes(dataset: Dataset) -> tuple[FramePlane, ...]:
    count = frame_count(dataset)
    if attribute(dataset, "NumberOfFrames") != count:
        raise GeometryMissing("Number of Frames contradicts the per-frame functional groups")
    stacks = {text(content, "StackID") for content in _macros(dataset, count, "FrameContentSequence")}
    if len(stacks) > 1:
        raise SlicesDuplicated(f"{len(stacks)} stacks in one object")
    return tuple(
        _plane(
            dataset,
            frame_macro(dataset, index, "PlanePositionSequence"),
            frame_macro(dataset, index, "PlaneOrientationSequence"),
            frame_macro(dataset, index, "PixelMeasuresSequence"),
            index + 1,
        )
        for index in range(count)
    )


def _macros(dataset: Dataset, count: int, keyword: str) -> list[Dataset]:
    found = (frame_macro(dataset, index, keyword) for index in range(count))
    return [item for item in found if item is not None]


def _plane(
    dataset: Dataset,
    position: Dataset | None,
    orientation: Dataset | None,
    measures: Dataset | None,
    number: int | None,
) -> FramePlane:
    rows, columns = attribute(dataset, "Rows"), attribute(dataset, "Columns")
    if not isinstance(rows, int) or not isinstance(columns, int):
        raise GeometryMissing("Rows or Columns is missing")
    spacing = _required(measures, "PixelSpacing", 2)
    if min(spacing) <= 0:
        raise GeometryMissing(f"{tagged('PixelSpacing')} is not positive")
    return FramePlane(
        frame=FrameReference(
            SOPInstanceUID(text(dataset, "SOPInstanceUID")), text(dataset, "SOPClassUID"), frame_number=number
        ),
        position=_required(position, "ImagePositionPatient", 3),
        orientation=_required(orientation, "ImageOrientationPatient", 6),
        spacing=spacing,
        rows=rows,
        columns=columns,
        frame_of_reference_uid=text(dataset, "FrameOfReferenceUID"),
    )


def _required(place: Dataset | None, keyword: str, count: int) -> tuple[float, ...]:
    found = None if place is None else numbers(place, keyword, count)
    if found is None:
        raise GeometryMissing(f"{tagged(keyword)} is missing or invalid")
    return found
