"""Where the time of a study went: spans from its timeline, and which of them dominated. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.domain.workitem import REPORT_PACKAGE
from appliance.store.deliveries import ARRIVED, Delivery
from appliance.store.events import Event, EventKind

_ANOTHER_DAY = timedelta(minutes=15)
"""Work that was scheduled so long after the last arrival was asked for later: the wait in between is nobody's time."""


class Phase(StrEnum):
    """What a span of time was spent on."""

    ARRIVAL = "arrival"
    WAIT = "wait"
    QUEUE = "queue"
    PREPARATION = "preparation"
    INFERENCE = "inference"
    RESULTS = "results"
    DELIVERY = "delivery"


_PHASES: Mapping[str, Phase] = {
    "read": Phase.PREPARATION,
    "preprocessing": Phase.PREPARATION,
    "inference": Phase.INFERENCE,
    "findings": Phase.RESULTS,
    "results": Phase.RESULTS,
    "report": Phase.RESULTS,
}


_ENDS = (EventKind.COMPLETED, EventKind.CANCELED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One bar. subject: the model or destination, "" for the study."""

    phase: Phase
    subject: str
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Spans that follow each other on one line."""

    subject: str
    is_destination: bool
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """All rows, in the order in which they began. dominant: the longest share of the whole, None without any."""

    rows: tuple[Row, ...]
    start: datetime
    end: datetime
    dominant: Span | None

    @property
    def seconds(self) -> float:
        """From the first image to the last delivery."""
        return (self.end - self.start).total_seconds()

    def share(self, span: Span) -> float:
        """Of the whole, 0 to 1."""
        return span.seconds / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """A workitem that stands, with the seconds of its stages, and the workitems that had to end before it."""

    uid: str
    package: str
    seconds: tuple[tuple[str, float], ...]
    waits_for: tuple[str, ...] = ()


def waterfall(
    arrivals: Sequence[datetime], events: Sequence[Event], worked: Sequence[Worked], deliveries: Sequence[Delivery]
) -> Waterfall | None:
    """The spans of the workitems in `worked`, oldest first; None where nothing has arrived.

    arrivals: when each instance was received.
    """
    if not arrivals:
        return None
    rows = [row for item in worked if (row := _work_row(item, events))]
    rows += list(_delivery_rows({item.uid for item in worked}, events, deliveries))
    scheduled = [event.at for event in events if event.kind is EventKind.SCHEDULED and _is_of(event, worked)]
    if not scheduled or min(scheduled) - max(arrivals) < _ANOTHER_DAY:
        rows.insert(0, _arrival_row(arrivals, events))
    rows = [row for row in rows if row.spans]
    if not rows:
        return None
    start = min(span.start for row in rows for span in row.spans)
    end = max(span.end for row in rows for span in row.spans)
    longest = max((span for row in rows for span in row.spans), key=lambda span: span.seconds)
    dominant = longest if longest.seconds > 0 else None
    return Waterfall(rows=tuple(rows), start=start, end=end, dominant=dominant)


def _is_of(event: Event, worked: Sequence[Worked]) -> bool:
    return event.workitem_uid in {item.uid for item in worked}


def _arrival_row(arrivals: Sequence[datetime], events: Sequence[Event]) -> Row:
    first, last = min(arrivals), max(arrivals)
    spans = [Span(phase=Phase.ARRIVAL, subject="", start=first, end=last)]
    planned = next((event.at for event in events if event.kind is EventKind.PLANNED and event.at >= last), None)
    if planned is not None:
        spans.append(Span(phase=Phase.WAIT, subject="", start=last, end=planned))
    return Row(subject="", is_destination=False, spans=tuple(spans))


def _work_row(item: Worked, events: Sequence[Event]) -> Row | None:
    own = [event for event in events if event.workitem_uid == item.uid]
    scheduled = next((event.at for event in own if event.kind is EventKind.SCHEDULED), None)
    claimed = next((event.at for event in reversed(own) if event.kind is EventKind.CLAIMED), None)
    ended = next((event.at for event in own if event.kind in _ENDS), None)
    if scheduled is None or claimed is None:
        return None
    awaited = [event.at for event in events if event.kind in _ENDS and event.workitem_uid in item.waits_for]
    free = min(max([scheduled, *awaited]), claimed)
    spans = [Span(phase=Phase.QUEUE, subject=item.package, start=free, end=claimed)]
    spans += _stages(item, claimed, ended or claimed)
    return Row(subject=item.package, is_destination=False, spans=tuple(spans))


def _stages(item: Worked, claimed: datetime, ended: datetime) -> Iterator[Span]:
    """The phases in their order; what no stage accounts for lies between reading and writing, with the results."""
    sums: dict[Phase, float] = {}
    for stage, seconds in item.seconds:
        phase = _PHASES.get(stage, Phase.RESULTS)
        sums[phase] = sums.get(phase, 0.0) + seconds
    at = claimed
    for phase in (Phase.PREPARATION, Phase.INFERENCE):
        if sums.get(phase):
            following = min(at + timedelta(seconds=sums[phase]), ended)
            yield Span(phase=phase, subject=item.package, start=at, end=following)
            at = following
    if ended > at:
        yield Span(phase=Phase.RESULTS, subject=item.package, start=at, end=ended)


def _delivery_rows(uids: set[str], events: Sequence[Event], deliveries: Sequence[Delivery]) -> Iterator[Row]:
    """From the moment when a destination's first result was there to the one when its last had arrived."""
    ends = {event.workitem_uid: event.at for event in events if event.kind is EventKind.COMPLETED}
    places: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        if delivery.workitem_uid in uids and delivery.state in ARRIVED and delivery.delivered_at:
            places.setdefault(delivery.destination, []).append(delivery)
    for place, made in places.items():
        starts = [ends[delivery.workitem_uid] for delivery in made if delivery.workitem_uid in ends]
        if not starts:
            continue
        spans: list[Span] = []
        for begin in sorted(set(starts)):
            arrived = [d.delivered_at for d in made if ends.get(d.workitem_uid) == begin and d.delivered_at is not None]
            at = max(begin, spans[-1].end) if spans else begin
            if max(arrived) >= at:
                spans.append(Span(phase=Phase.DELIVERY, subject=place, start=at, end=max(arrived)))
        yield Row(subject=place, is_destination=True, spans=tuple(spans))


def is_report(package: str) -> bool:
    """Whether a row is that of the report of the study."""
    return package == REPORT_PACKAGE
