"""What the positions of slices say before any pixel is read: how many, in which orientation, how far apart.

Selection asks for these as attributes of a series:
NumberOfSlices - different places along the normal; single-frame objects without a position count one each.
Orientation - AXIAL, CORONAL, SAGITTAL or OBLIQUE, by the direction of the normal.
SliceSpacing - the usual distance of neighbouring slices in mm.
"""

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset

from appliance.domain.study import AttributeValue, Instance
from appliance.study.attributes import numbers
from appliance.study.functional_groups import frame_count, frame_macro, is_enhanced
from appliance.study.geometry import DUPLICATE_MM, Vectors, normal_of

ORTHOGONAL_COSINE = 0.8
"""A normal within 37 degrees of a patient axis takes its name; cardiac and other angled stacks beyond are OBLIQUE."""

NAMES = ("SAGITTAL", "CORONAL", "AXIAL")  # the normal runs along L, P, S

Attributes = dict[str, AttributeValue]


def placement_attributes(dataset: Dataset) -> Attributes:
    """NumberOfSlices, Orientation and SliceSpacing of one multi-frame object; {} for single frames and cine loops."""
    if not is_enhanced(dataset):
        return {}
    positions, orientations = [], []
    for frame in range(frame_count(dataset)):
        position = frame_macro(dataset, frame, "PlanePositionSequence")
        orientation = frame_macro(dataset, frame, "PlaneOrientationSequence")
        if position is not None and orientation is not None:
            positions.append(numbers(position, "ImagePositionPatient", 3))
            orientations.append(numbers(orientation, "ImageOrientationPatient", 6))
    return _summary(positions, orientations)


def series_placement(instances: Sequence[Instance]) -> Attributes:
    """The same for a series: over its single-frame objects, or from its one multi-frame object."""
    if len(instances) == 1 and instances[0].number_of_frames > 1:
        return {"NumberOfSlices": 1, **{key: instances[0].attributes[key] for key in _derived(instances[0])}}
    if any(instance.number_of_frames > 1 for instance in instances):
        counts = [instance.attributes.get("NumberOfSlices", 1) for instance in instances]
        return {"NumberOfSlices": sum(int(count) for count in counts if isinstance(count, (int, float)))}
    positions = [_numeric(instance, "ImagePositionPatient", 3) for instance in instances]
    orientations = [_numeric(instance, "ImageOrientationPatient", 6) for instance in instances]
    return _summary(positions, orientations)


def orientation_name(normal: Vectors) -> str:
    """AXIAL, CORONAL, SAGITTAL or OBLIQUE for the normal of a slice (unit vector, LPS)."""
    axis = int(np.argmax(np.abs(normal)))
    return NAMES[axis] if abs(float(normal[axis])) >= ORTHOGONAL_COSINE else "OBLIQUE"


def _derived(instance: Instance) -> list[str]:
    return [key for key in ("NumberOfSlices", "Orientation", "SliceSpacing") if key in instance.attributes]


def _numeric(instance: Instance, keyword: str, count: int) -> tuple[float, ...] | None:
    value = instance.attributes.get(keyword)
    if not isinstance(value, tuple) or len(value) != count:
        return None
    return tuple(float(item) for item in value)


def _summary(
    positions: Sequence[tuple[float, ...] | None], orientations: Sequence[tuple[float, ...] | None]
) -> Attributes:
    placed = [(p, o) for p, o in zip(positions, orientations, strict=True) if p is not None and o is not None]
    unplaced = len(positions) - len(placed)
    if not placed:
        return {"NumberOfSlices": unplaced}
    normals = np.array([normal_of(orientation) for _, orientation in placed])
    if np.ptp(normals, axis=0).max() > 1 - ORTHOGONAL_COSINE:
        return {"NumberOfSlices": len(positions), "Orientation": "OBLIQUE"}
    heights = np.sort(np.array([position for position, _ in placed]) @ normals[0])
    gaps = np.diff(heights)
    gaps = gaps[gaps > DUPLICATE_MM]
    summary: Attributes = {"NumberOfSlices": len(gaps) + 1 + unplaced, "Orientation": orientation_name(normals[0])}
    if len(gaps):
        summary["SliceSpacing"] = round(float(np.median(gaps)), 4)
    return summary
