"""Arrivals of studies, recorded and made from recorded ones, and their replay through the decision on a virtual clock.

A trace says when Orthanc received each object, and what of its header the decision reads. Those in `tests/traces` were
recorded at a real Orthanc (`python -m tests.traces.record`); `synthesised` makes others of them with a fixed seed.
"""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.study import Instance
from appliance.study.arrival import Arrival, Complete, Decision, Rhythms, WaitUntil, decide, observed_gaps
from appliance.study.quiet_time import NO_GAPS, QuietTime

TRACES = Path(__file__).resolve().parent.parent / "tests" / "traces"
START = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEED = 20261123
DIGITAL_X_RAY = "1.2.840.10008.5.1.4.1.1.1.1"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"

Policy = Callable[[Sequence[Arrival], datetime], Decision]


@dataclass(frozen=True, slots=True)
class Trace:
    """A study on its way; `arrivals` in the order of reception."""

    name: str
    kind: str
    arrivals: tuple[Arrival, ...]


@dataclass(frozen=True, slots=True)
class Planned:
    """A start: when, and with how many instances."""

    at: datetime
    instances: int


def recorded(folder: Path = TRACES) -> list[Trace]:
    """The recorded traces, by name."""
    return [_read(json.loads(file.read_text(encoding="utf-8"))) for file in sorted(folder.glob("*.json"))]


def synthesised(sources: Sequence[Trace], count: int, seed: int = SEED) -> list[Trace]:
    """`count` traces made of `sources`: the same count and seed give the same traces."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret depends on it
    made = []
    for number in range(count):
        kind = sorted(VARIANTS)[number % len(VARIANTS)]
        trace = VARIANTS[kind](dice, dice.choice(sources), dice.choice(sources))
        made.append(replace(trace, name=f"{kind} {number}", kind=kind))
    return made


def replay(trace: Trace, policy: Policy, stable_age: timedelta = timedelta(seconds=10)) -> list[Planned]:
    """Every start that `policy` makes of the trace; the last one is what stands.

    Orthanc calls the study stable `stable_age` after its last reception, and what is owed then starts.
    """
    ordered = sorted(trace.arrivals, key=lambda arrival: arrival.at)
    moments = sorted({arrival.at for arrival in ordered})
    starts = []
    for index, moment in enumerate(moments):
        here = [arrival for arrival in ordered if arrival.at <= moment]
        following = moments[index + 1] if index + 1 < len(moments) else None
        start = min(_start(here, moment, policy), moment + stable_age)
        if following is None or start < following:
            starts.append(Planned(start, len(here)))
    return starts


def adaptive(rhythms: Rhythms, quiet: QuietTime | None = None) -> Policy:
    """The appliance's own decision, with what it remembers of the senders."""
    bounds = quiet or QuietTime()
    return lambda arrivals, now: decide(arrivals, now, bounds, rhythms)


def fixed(seconds: float) -> Policy:
    """What others do: so many seconds without anything new, whatever came."""

    def policy(arrivals: Sequence[Arrival], now: datetime) -> Decision:
        due = max(arrival.at for arrival in arrivals) + timedelta(seconds=seconds)
        return Complete("silence") if now >= due else WaitUntil(due, "silence")

    return policy


def learned(rhythms: Rhythms, trace: Trace) -> Rhythms:
    """What is remembered after `trace` too."""
    observed = observed_gaps(trace.arrivals, None)
    return {**rhythms, **{sender: rhythms.get(sender, NO_GAPS).with_these(gaps) for sender, gaps in observed.items()}}


def _start(arrivals: Sequence[Arrival], now: datetime, policy: Policy) -> datetime:
    decision = policy(arrivals, now)
    while isinstance(decision, WaitUntil):
        now = decision.at
        decision = policy(arrivals, now)
    return now


def _read(data: dict[str, Any]) -> Trace:
    arrivals = []
    for at_s, index, number, place in data["arrivals"]:
        series = data["series"][index]
        attributes = {
            **series["attributes"],
            "SeriesInstanceUID": f"1.2.{index}",
            "InstanceNumber": number,
            "ImagePositionPatient": (0.0, 0.0, place),
            "ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        }
        instance = Instance(
            sop_instance_uid=SOPInstanceUID(f"1.2.{index}.{number}"),
            sop_class_uid=series["sop_class_uid"],
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            attributes=attributes,
        )
        arrivals.append(Arrival(instance, START + timedelta(seconds=at_s), data["calling_aet"]))
    return Trace(data["name"], "recorded", tuple(arrivals))


def _with(arrival: Arrival, *, at: datetime | None = None, aet: str | None = None, **attributes: Any) -> Arrival:
    instance = replace(arrival.instance, attributes={**arrival.instance.attributes, **attributes})
    return Arrival(instance, at or arrival.at, arrival.calling_aet if aet is None else aet)


def _single(number: int, sop_class: str, modality: str, aet: str, at: timedelta) -> Arrival:
    attributes = {"SeriesInstanceUID": "1.2.9", "Modality": modality, "InstanceNumber": number}
    instance = Instance(
        sop_instance_uid=SOPInstanceUID(f"1.2.9.{number}"),
        sop_class_uid=sop_class,
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        attributes=attributes,
    )
    return Arrival(instance, START + at, aet)


def _seconds(dice: random.Random, low: float, high: float) -> timedelta:
    return timedelta(seconds=low * (high / low) ** dice.random())


def _counted(dice: random.Random, one: Trace, _: Trace) -> Trace:
    """The header counts the images of each series."""
    totals: dict[Any, int] = {}
    for arrival in one.arrivals:
        uid = arrival.instance.attributes["SeriesInstanceUID"]
        totals[uid] = totals.get(uid, 0) + 1
    keyword = dice.choice(["NumberOfSeriesRelatedInstances", "ImagesInSeries"])
    return replace(
        one,
        arrivals=tuple(
            _with(a, aet="ARCHIVE", **{keyword: totals[a.instance.attributes["SeriesInstanceUID"]]})
            for a in one.arrivals
        ),
    )


def _shuffled(dice: random.Random, one: Trace, _: Trace) -> Trace:
    """The same moments, the slices in another order."""
    objects = list(one.arrivals)
    dice.shuffle(objects)
    return replace(one, arrivals=tuple(_with(o, at=a.at) for o, a in zip(objects, one.arrivals, strict=True)))


def _scaled(dice: random.Random, one: Trace, _: Trace) -> Trace:
    """Another speed, and a rhythm of its own."""
    factor = _seconds(dice, 0.5, 4).total_seconds()
    aet = f"SPEED{int(factor * 2)}"
    return replace(one, arrivals=tuple(_with(a, at=START + (a.at - START) * factor, aet=aet) for a in one.arrivals))


def _late(dice: random.Random, one: Trace, _: Trace) -> Trace:
    """The last few slices come much later."""
    count, delay = dice.randint(1, 5), _seconds(dice, 20, 600)
    return replace(one, arrivals=(*one.arrivals[:-count], *(_with(a, at=a.at + delay) for a in one.arrivals[-count:])))


def _interleaved(dice: random.Random, one: Trace, other: Trace) -> Trace:
    """Two studies' series as series of one study, at the same time."""
    shift = _seconds(dice, 0.1, 3)
    moved = (
        _with(a, at=a.at + shift, SeriesInstanceUID=f"1.3{a.instance.attributes['SeriesInstanceUID']}")
        for a in other.arrivals
    )
    renamed = (
        replace(a, instance=replace(a.instance, sop_instance_uid=SOPInstanceUID(f"{a.instance.sop_instance_uid}.3")))
        for a in moved
    )
    return replace(one, arrivals=(*one.arrivals, *renamed))


def _projections(dice: random.Random, _: Trace, __: Trace) -> Trace:
    """One or two radiographs."""
    first = _single(1, DIGITAL_X_RAY, "DX", "DX1", timedelta(0))
    second = _single(2, DIGITAL_X_RAY, "DX", "DX1", _seconds(dice, 0.1, 2))
    return Trace("", "", (first, second) if dice.random() < 0.5 else (first,))


def _enhanced(dice: random.Random, _: Trace, __: Trace) -> Trace:
    """One enhanced object."""
    return Trace("", "", (_single(1, ENHANCED_MR, "MR", "MR2", timedelta(0)),))


VARIANTS: dict[str, Callable[[random.Random, Trace, Trace], Trace]] = {
    "counted by the header": _counted,
    "enhanced": _enhanced,
    "interleaved": _interleaved,
    "late slices": _late,
    "other speed": _scaled,
    "radiographs": _projections,
    "shuffled": _shuffled,
}


def wait_after_last(trace: Trace, starts: Sequence[Planned]) -> timedelta:
    """How long after the last slice the start came that stands."""
    return starts[-1].at - max(arrival.at for arrival in trace.arrivals)


def premature(starts: Iterable[Planned]) -> int:
    """How many starts were replaced by a later one."""
    return len(list(starts)) - 1
