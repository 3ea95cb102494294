"""Is it complete, and is it input at all? Pure decisions on headers and moments of arrival (DESIGN: decisions 4, 7).

DICOM has no end-of-series signal, and starting too early is safe (later slices replace the result), so a decision
never waits longer than it has reason to: not at all where the header counts the images, briefly where the slices
already form a gapless stack, up to the maximum where something is plainly missing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from appliance.domain.dicom_result import MANUFACTURER, MODEL_NAME
from appliance.domain.study import Instance

NOT_IMAGES = (
    "1.2.840.10008.5.1.4.1.1.88.",  # structured reports, key objects
    "1.2.840.10008.5.1.4.1.1.66",  # raw data, registrations, segmentations
    "1.2.840.10008.5.1.4.1.1.11.",  # presentation states
    "1.2.840.10008.5.1.4.1.1.30",  # parametric maps
    "1.2.840.10008.5.1.4.1.1.67",  # real world value maps
    "1.2.840.10008.5.1.4.1.1.104.",  # encapsulated documents
    "1.2.840.10008.5.1.4.1.1.481.3",  # RT structure sets
    "1.2.840.10008.5.1.4.1.1.481.5",  # RT plans
    "1.2.840.10008.5.1.4.1.1.9.",  # waveforms
)
"""SOP Class UIDs, or beginnings of them, of objects that describe images and are none (PS3.4 B.5)."""

GAP_FACTOR = 4.0
"""How many times the usual distance between arrivals counts as silence."""
SPACING_TOLERANCE = 0.5
"""A distance of neighbouring slices beyond 1.5 times the usual one is a gap that a slice may still fill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietTime:
    """Bounds of the silence after which a series without a known count is taken as complete."""

    minimum: timedelta = timedelta(seconds=0.5)
    maximum: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An instance, and when it came."""

    instance: Instance
    at: datetime


@dataclass(frozen=True, slots=True)
class Complete:
    """Nothing more is expected; `reason` says from what that follows."""

    reason: str


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Decide again at `at`, unless something arrives before."""

    at: datetime
    reason: str


Decision = Complete | WaitUntil


def is_own_output(instance: Instance) -> bool:
    """Whether the appliance made the object itself (General Equipment Module)."""
    attributes = instance.attributes
    return attributes.get("Manufacturer") == MANUFACTURER and attributes.get("ManufacturerModelName") == MODEL_NAME


def is_input(instance: Instance) -> bool:
    """Whether models may be asked about the object: an image, and not our own output."""
    return not is_own_output(instance) and not instance.sop_class_uid.startswith(NOT_IMAGES)


def decide(arrivals: Iterable[Arrival], now: datetime, quiet: QuietTime) -> Decision:
    """Whether what arrived of a study so far is complete: all of its series are."""
    by_series: dict[object, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        by_series[arrival.instance.attributes.get("SeriesInstanceUID")].append(arrival)
    decisions = [decide_series(members, now, quiet) for members in by_series.values()]
    waiting = [decision for decision in decisions if isinstance(decision, WaitUntil)]
    if waiting:
        return max(waiting, key=lambda decision: decision.at)
    return Complete(", ".join(sorted({decision.reason for decision in decisions})) or "no images")


def decide_series(arrivals: Sequence[Arrival], now: datetime, quiet: QuietTime) -> Decision:
    """Whether one series (at least one instance) is complete."""
    instances = [arrival.instance for arrival in arrivals]
    counted = is_counted_complete(instances)
    if counted:
        return Complete("all images that the header counts")
    whole = counted is None and is_gapless(instances)
    silence = adapted_quiet([arrival.at for arrival in arrivals], quiet) if whole else quiet.maximum
    due = max(arrival.at for arrival in arrivals) + silence
    reason = "a gapless stack and silence" if whole else "silence although images seem to be missing"
    return Complete(reason) if now >= due else WaitUntil(due, reason)


def is_counted_complete(instances: Sequence[Instance]) -> bool | None:
    """Whether as many images are there as the headers count; None where they count none, or contradict themselves.

    Number of Series Related Instances (0020,1209) counts the series; Images in Acquisition (0020,1002) and Number of
    Temporal Positions (0020,0105) count its parts.
    """
    expected = _same_number(instances, "NumberOfSeriesRelatedInstances")
    if expected:
        return _compare(len(instances), expected)
    in_acquisition = _same_number(instances, "ImagesInAcquisition")
    if in_acquisition and len(_values(instances, "AcquisitionNumber")) == 1:
        return _compare(len(instances), in_acquisition)
    positions = _same_number(instances, "NumberOfTemporalPositions")
    if positions and positions > 1:
        counts = Counter(instance.attributes.get("TemporalPositionIdentifier") for instance in instances)
        return None if None in counts else len(counts) == positions and len(set(counts.values())) == 1
    return None


def is_gapless(instances: Sequence[Instance]) -> bool:
    """Whether nothing seems to be missing between what is there: positions evenly spaced, numbers without a hole.

    True for a single object. It cannot tell whether slices are missing at the ends.
    """
    if len(instances) == 1:
        return True
    numbers = sorted(_values(instances, "InstanceNumber"))
    if len(numbers) == len(instances) and numbers[-1] - numbers[0] != len(numbers) - 1:
        return False
    places = sorted({round(place, 3) for place in map(_slice_place, instances) if place is not None})
    gaps = sorted(after - before for before, after in pairwise(places))
    return not gaps or gaps[-1] <= gaps[len(gaps) // 2] * (1 + SPACING_TOLERANCE)


def adapted_quiet(moments: Sequence[datetime], quiet: QuietTime) -> timedelta:
    """A silence that is long against the distances between the arrivals so far, within the bounds."""
    ordered = sorted(moments)
    gaps = sorted(after - before for before, after in pairwise(ordered))
    usual = gaps[int(len(gaps) * 0.95)] if gaps else timedelta(0)
    return min(max(usual * GAP_FACTOR, quiet.minimum), quiet.maximum)


def _compare(found: int, expected: int) -> bool | None:
    return None if found > expected else found == expected


def _values(instances: Iterable[Instance], keyword: str) -> set[float]:
    values = (instance.attributes.get(keyword) for instance in instances)
    return {float(value) for value in values if isinstance(value, (int, float))}


def _same_number(instances: Sequence[Instance], keyword: str) -> int | None:
    values = _values(instances, keyword)
    everywhere = all(keyword in instance.attributes for instance in instances)
    return int(values.pop()) if everywhere and len(values) == 1 else None


def _slice_place(instance: Instance) -> float | None:
    """Where the slice lies along its normal, in mm."""
    position = _vector(instance, "ImagePositionPatient", 3)
    orientation = _vector(instance, "ImageOrientationPatient", 6)
    if position is None or orientation is None:
        return None
    (a, b, c), (d, e, f) = orientation[:3], orientation[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return sum(along * place for along, place in zip(normal, position, strict=True))


def _vector(instance: Instance, keyword: str, length: int) -> tuple[float, ...] | None:
    value = instance.attributes.get(keyword)
    if not isinstance(value, tuple) or len(value) != length:
        return None
    return tuple(float(part) for part in value)
