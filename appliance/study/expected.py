"""What headers say of how much belongs to a series, and what the slices that are there say of those that are not.

| header | counts |
|---|---|
| Number of Series Related Instances (0020,1209) | the series, where an archive wrote it into the object |
| Number of Slices, Time Slices, R-R Intervals, Time Slots (0054,xxxx) | a PET series (PS3.3 C.8.9.1) |
| In-concatenation Total Number (0020,9163) | the parts of one concatenation (C.7.6.16.2.2.4) |
| Images in Acquisition (0020,1002) | one acquisition; a series may have several |
| Number of Temporal Positions (0020,0105) | phases, each with as many slices as the others (C.7.6.16.2.2.6) |

An enhanced multi-frame object holds its whole stack; a projection image is whole by itself, but may have companions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise

from pydicom import Dataset

from appliance.domain.study import AttributeValue, Instance
from appliance.study.attributes import attribute, text

POSITRON_EMISSION_TOMOGRAPHY = "1.2.840.10008.5.1.4.1.1.128"
ENHANCED = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT
        "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT
        "1.2.840.10008.5.1.4.1.1.4.1",  # Enhanced MR
        "1.2.840.10008.5.1.4.1.1.4.3",  # Enhanced MR Color
        "1.2.840.10008.5.1.4.1.1.4.4",  # Legacy Converted Enhanced MR
        "1.2.840.10008.5.1.4.1.1.128.1",  # Legacy Converted Enhanced PET
        "1.2.840.10008.5.1.4.1.1.130",  # Enhanced PET
        "1.2.840.10008.5.1.4.1.1.13.1.3",  # Breast Tomosynthesis
    }
)
PROJECTIONS = ("1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.")
"""Computed Radiography, and Digital X-Ray, Mammography and Intra-Oral below it (PS3.6 A)."""
SPACING_TOLERANCE = 0.5
"""A distance of neighbouring slices beyond 1.5 times the usual one is a gap that a slice may still fill."""


class Evidence(StrEnum):
    """What is known of whether a series is all there."""

    COUNTED = "all images that the header counts"
    WHOLE_OBJECTS = "enhanced objects that hold their whole stack"
    SINGLE_IMAGES = "images that are whole by themselves, and silence"
    GAPLESS = "a gapless stack and silence"
    GAPS = "silence although slices seem to be missing"
    SHORT = "patience is at its end although the header counts more images"


def counted_attributes(dataset: Dataset) -> dict[str, AttributeValue]:
    """ImagesInSeries, where a PET header counts them (PS3.3 C.8.9.1, C.8.9.4.1.9); else nothing."""
    if text(dataset, "SOPClassUID") != POSITRON_EMISSION_TOMOGRAPHY:
        return {}
    factors = {
        "STATIC": ("NumberOfSlices",),
        "WHOLE BODY": ("NumberOfSlices",),
        "DYNAMIC": ("NumberOfSlices", "NumberOfTimeSlices"),
        "GATED": ("NumberOfSlices", "NumberOfRRIntervals", "NumberOfTimeSlots"),
    }.get(text(dataset, "SeriesType"), ())
    images = 1
    for keyword in factors:
        value = attribute(dataset, keyword)
        if not isinstance(value, int) or value < 1:
            return {}
        images *= value
    return {"ImagesInSeries": images} if factors else {}


def evidence_of(instances: Sequence[Instance]) -> Evidence:
    """What the headers of one series (at least one instance) say together; the surest word first."""
    for judge in (_by_series_count, _by_concatenation, _by_acquisition, _by_phase):
        verdict = judge(instances)
        if verdict is not None:
            return verdict
    if all(instance.sop_class_uid in ENHANCED for instance in instances):
        return Evidence.WHOLE_OBJECTS
    if all(_is_projection(instance) for instance in instances):
        return Evidence.SINGLE_IMAGES
    return Evidence.GAPLESS if is_gapless(instances) else Evidence.GAPS


def is_gapless(instances: Sequence[Instance]) -> bool:
    """Whether nothing seems to be missing between what is there: each orientation evenly spaced, numbers without a
    hole. True for a single object. It cannot tell whether slices are missing at the ends.
    """
    if len(instances) == 1:
        return True
    numbers = sorted(_values(instances, "InstanceNumber"))
    if len(numbers) == len(instances) and numbers[-1] - numbers[0] != len(numbers) - 1:
        return False
    stacks: dict[tuple[float, ...], set[float]] = defaultdict(set)
    for instance in instances:
        normal, place = _normal_and_place(instance)
        if normal is not None and place is not None:
            stacks[normal].add(place)
    return all(_is_even(sorted(places)) for places in stacks.values())


def _by_series_count(instances: Sequence[Instance]) -> Evidence | None:
    for keyword in ("NumberOfSeriesRelatedInstances", "ImagesInSeries"):
        expected = _same_number(instances, keyword)
        if expected and len(instances) <= expected:
            return Evidence.COUNTED if len(instances) == expected else Evidence.SHORT
    return None


def _by_concatenation(instances: Sequence[Instance]) -> Evidence | None:
    parts: dict[AttributeValue, list[Instance]] = defaultdict(list)
    for instance in instances:
        if "ConcatenationUID" in instance.attributes:
            parts[instance.attributes["ConcatenationUID"]].append(instance)
    totals = {uid: _same_number(members, "InConcatenationTotalNumber") for uid, members in parts.items()}
    if any(total and len(_values(parts[uid], "InConcatenationNumber")) < total for uid, total in totals.items()):
        return Evidence.SHORT
    if parts and all(totals.values()) and sum(map(len, parts.values())) == len(instances):
        return Evidence.COUNTED
    return None


def _by_acquisition(instances: Sequence[Instance]) -> Evidence | None:
    """Several acquisitions that are all there may be followed by another, so only a single one is conclusive.

    A count of 1 proves nothing: scanners write it into every slice of a stack.
    """
    acquisitions: dict[AttributeValue | None, list[Instance]] = defaultdict(list)
    for instance in instances:
        acquisitions[instance.attributes.get("AcquisitionNumber")].append(instance)
    expected = {number: _same_number(members, "ImagesInAcquisition") for number, members in acquisitions.items()}
    if not all(count and count > 1 for count in expected.values()):
        return None
    found = {number: len(members) for number, members in acquisitions.items()}
    if any(found[number] > (count or 0) for number, count in expected.items()):
        return None
    if any(found[number] < (count or 0) for number, count in expected.items()):
        return Evidence.SHORT
    return Evidence.COUNTED if len(found) == 1 else None


def _by_phase(instances: Sequence[Instance]) -> Evidence | None:
    """Phases that are alike prove nothing: slice by slice, each phase grows at the same time."""
    positions = _same_number(instances, "NumberOfTemporalPositions")
    counts = Counter(instance.attributes.get("TemporalPositionIdentifier") for instance in instances)
    if not positions or positions == 1 or None in counts or len(counts) > positions:
        return None
    return Evidence.SHORT if len(counts) < positions or len(set(counts.values())) > 1 else None


def _is_projection(instance: Instance) -> bool:
    uid = instance.sop_class_uid
    return uid == PROJECTIONS[0] or uid.startswith(PROJECTIONS[1])


def _is_even(places: Sequence[float]) -> bool:
    gaps = sorted(after - before for before, after in pairwise(places))
    return not gaps or gaps[-1] <= gaps[len(gaps) // 2] * (1 + SPACING_TOLERANCE)


def _values(instances: Iterable[Instance], keyword: str) -> set[float]:
    values = (instance.attributes.get(keyword) for instance in instances)
    return {float(value) for value in values if isinstance(value, (int, float))}


def _same_number(instances: Sequence[Instance], keyword: str) -> int | None:
    values = _values(instances, keyword)
    everywhere = all(keyword in instance.attributes for instance in instances)
    return int(values.pop()) if everywhere and len(values) == 1 else None


def _normal_and_place(instance: Instance) -> tuple[tuple[float, ...] | None, float | None]:
    """The normal of the slice, coarse enough to compare, and how far along it the slice lies, in mm."""
    position = _vector(instance, "ImagePositionPatient", 3)
    orientation = _vector(instance, "ImageOrientationPatient", 6)
    if position is None or orientation is None:
        return None, None
    (a, b, c), (d, e, f) = orientation[:3], orientation[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    place = sum(along * part for along, part in zip(normal, position, strict=True))
    return tuple(round(part, 2) + 0.0 for part in normal), round(place, 3)


def _vector(instance: Instance, keyword: str, length: int) -> tuple[float, ...] | None:
    value = instance.attributes.get(keyword)
    if not isinstance(value, tuple) or len(value) != length:
        return None
    return tuple(float(part) for part in value)
