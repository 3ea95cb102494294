"""Spans follow from the timeline, in order and without overlap within a row; the longest is named."""

from datetime import UTC, datetime, timedelta

from appliance.services.receipts.waterfall import Phase, Worked, waterfall
from appliance.store.events import Event, EventKind

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
GATE, LIVER, REPORT = "2.25.1", "2.25.2", "2.25.3"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(kind: EventKind, seconds: float, workitem: str | None = None) -> Event:
    return Event(
        sequence=1, at=at(seconds), kind=kind, series_instance_uid=None, workitem_uid=workitem, code=None, detail={}
    )


EVENTS = [
    event(EventKind.PLANNED, 5),
    event(EventKind.SCHEDULED, 5, LIVER),
    event(EventKind.SCHEDULED, 5, REPORT),
    event(EventKind.CLAIMED, 6, LIVER),
    event(EventKind.COMPLETED, 20, LIVER),
    event(EventKind.CLAIMED, 21, REPORT),
    event(EventKind.COMPLETED, 22, REPORT),
]
WORK = [
    Worked(uid=LIVER, package="liver", seconds=(("read", 1.0), ("preprocessing", 1.0), ("inference", 9.0))),
    Worked(uid=REPORT, package="report", seconds=(("report", 1.0),), waits_for=(LIVER,)),
]


def test_the_rows_tell_arrival_work_and_report_in_turn() -> None:
    fall = waterfall([at(0), at(3)], EVENTS, WORK, ())
    assert fall is not None
    said = [[(span.phase, span.seconds) for span in row.spans] for row in fall.rows]
    assert said == [
        [(Phase.ARRIVAL, 3.0), (Phase.WAIT, 2.0)],
        [(Phase.QUEUE, 1.0), (Phase.PREPARATION, 2.0), (Phase.INFERENCE, 9.0), (Phase.RESULTS, 3.0)],
        [(Phase.QUEUE, 1.0), (Phase.RESULTS, 1.0)],
    ]
    assert (fall.start, fall.seconds) == (at(0), 22.0)


def test_the_longest_span_dominates() -> None:
    fall = waterfall([at(0), at(3)], EVENTS, WORK, ())
    assert fall is not None
    assert fall.dominant is not None
    assert (fall.dominant.phase, fall.dominant.subject) == (Phase.INFERENCE, "liver")
    assert round(fall.share(fall.dominant), 3) == round(9 / 22, 3)


def test_the_report_waits_in_the_queue_only_once_it_may_run() -> None:
    fall = waterfall([at(0)], EVENTS, WORK, ())
    assert fall is not None
    assert fall.rows[-1].spans[0].start == at(20)


def test_work_that_was_asked_for_another_day_is_not_stretched_to_the_arrival() -> None:
    fall = waterfall([at(-86_400)], EVENTS, WORK, ())
    assert fall is not None
    assert fall.start == at(5)


def test_a_study_of_which_nothing_arrived_has_no_times() -> None:
    assert waterfall([], EVENTS, WORK, ()) is None
