"""Is it complete, and is it input at all? Pure decisions on headers and moments of reception (DESIGN: decisions 4, 7).

DICOM has no end-of-series signal, and starting too early is safe (later slices replace the result), so a decision
never waits longer than it has reason to: not at all where the header counts the images, briefly where the slices
already form a gapless stack, up to the maximum where a slice seems to be missing, and until Orthanc calls the study
stable where the header says that more must come. Moments are those of reception at Orthanc, never of our fetching.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from appliance.domain.dicom_result import MANUFACTURER, MODEL_NAME
from appliance.domain.study import Instance
from appliance.study.expected import Evidence, evidence_of
from appliance.study.quiet_time import NO_GAPS, Gaps, QuietTime, gaps_between, silence

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


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends in which rhythm: calling AE title and modality."""

    calling_aet: str
    modality: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """An instance, when Orthanc received it, and from whom."""

    instance: Instance
    at: datetime
    calling_aet: str = ""

    @property
    def sender(self) -> Sender:
        """Whose rhythm it belongs to."""
        return Sender(self.calling_aet, str(self.instance.attributes.get("Modality", "")))


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
Rhythms = Mapping[Sender, Gaps]


def is_own_output(instance: Instance) -> bool:
    """Whether the appliance made the object itself (General Equipment Module)."""
    attributes = instance.attributes
    return attributes.get("Manufacturer") == MANUFACTURER and attributes.get("ManufacturerModelName") == MODEL_NAME


def is_input(instance: Instance) -> bool:
    """Whether models may be asked about the object: an image, and not our own output."""
    return not is_own_output(instance) and not instance.sop_class_uid.startswith(NOT_IMAGES)


def decide(arrivals: Iterable[Arrival], now: datetime, quiet: QuietTime, rhythms: Rhythms | None = None) -> Decision:
    """Whether what arrived of a study so far is complete: all of its series are.

    rhythms: what is remembered of the senders.
    """
    decisions = [decide_series(members, now, quiet, rhythms or {}) for members in _by_series(arrivals)]
    waiting = [decision for decision in decisions if isinstance(decision, WaitUntil)]
    if waiting:
        return max(waiting, key=lambda decision: decision.at)
    return Complete(", ".join(sorted({decision.reason for decision in decisions})) or "no images")


def decide_series(arrivals: Sequence[Arrival], now: datetime, quiet: QuietTime, rhythms: Rhythms) -> Decision:
    """Whether one series (at least one instance) is complete."""
    evidence = evidence_of([arrival.instance for arrival in arrivals])
    last = max(arrivals, key=lambda arrival: arrival.at)
    due = last.at + _wait(evidence, arrivals, quiet, rhythms.get(last.sender, NO_GAPS))
    return Complete(evidence.value) if now >= due else WaitUntil(due, evidence.value)


def observed_gaps(arrivals: Iterable[Arrival], since: datetime | None) -> Mapping[Sender, list[timedelta]]:
    """The gaps within each series that ended after `since`, by sender: what is to be remembered of a study."""
    found: dict[Sender, list[timedelta]] = defaultdict(list)
    for members in _by_series(arrivals):
        ordered = sorted(members, key=lambda arrival: arrival.at)
        gaps = gaps_between(arrival.at for arrival in ordered)
        for arrival, gap in zip(ordered[1:], gaps, strict=True):
            if since is None or arrival.at > since:
                found[arrival.sender].append(gap)
    return found


def _wait(evidence: Evidence, arrivals: Sequence[Arrival], quiet: QuietTime, learned: Gaps) -> timedelta:
    match evidence:
        case Evidence.COUNTED | Evidence.WHOLE_OBJECTS:
            return timedelta(0)
        case Evidence.SHORT:
            return quiet.patience
        case Evidence.GAPS:
            return quiet.maximum
        case Evidence.SINGLE_IMAGES:
            return quiet.minimum  # a companion that comes later is analysed with it; the first need not wait for it
        case Evidence.GAPLESS:
            return silence(gaps_between(arrival.at for arrival in arrivals), learned, quiet)
        case _:
            assert_never(evidence)


def _by_series(arrivals: Iterable[Arrival]) -> Iterable[list[Arrival]]:
    series: dict[object, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        series[arrival.instance.attributes.get("SeriesInstanceUID")].append(arrival)
    return series.values()
