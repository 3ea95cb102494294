"""One timeline per study, in order, without gaps, also under several writers."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import NoResultFound

from appliance.store.engine import Ledger
from appliance.store.events import EventKind, Events, record
from appliance.store.instances import Instances
from tests.unit.store.conftest import NOON, STUDY, arrived


def note(ledger: Ledger, study: str = STUDY, **detail: str | int) -> None:
    with ledger.write() as session:
        record(session, study, EventKind.DELIVERED, NOON, series="1.2.3.1", workitem="7", code="B000", **detail)


def test_a_line_says_what_happened_to_what(ledger: Ledger) -> None:
    note(ledger, destination="pacs", attempt=2)
    last = Events(ledger).of_study(STUDY)[-1]
    assert (last.kind, last.at, last.series_instance_uid, last.workitem_uid, last.code) == (
        EventKind.DELIVERED,
        NOON,
        "1.2.3.1",
        "7",
        "B000",
    )
    assert last.detail == {"destination": "pacs", "attempt": 2}


def test_reading_goes_on_after_a_number(ledger: Ledger) -> None:
    note(ledger)
    note(ledger)
    assert [event.sequence for event in Events(ledger).of_study(STUDY, after=2)] == [3]


def test_writers_at_the_same_time_leave_neither_gap_nor_double(ledger: Ledger) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: note(ledger), range(20)))
    assert [event.sequence for event in Events(ledger).of_study(STUDY)] == list(range(1, 22))


def test_studies_count_for_themselves(ledger: Ledger) -> None:
    Instances(ledger).add([arrived("4.5.6.1.1", study="4.5.6")])
    note(ledger)
    assert [event.sequence for event in Events(ledger).of_study("4.5.6")] == [1]  # type: ignore[arg-type]


def test_a_line_needs_its_study(ledger: Ledger) -> None:
    with pytest.raises(NoResultFound):
        note(ledger, "7.7")


def test_what_is_rolled_back_never_happened(ledger: Ledger) -> None:
    def failing() -> None:
        with ledger.write() as session:
            record(session, STUDY, EventKind.PLANNED, NOON)
            raise ValueError

    with pytest.raises(ValueError):
        failing()
    assert [event.kind for event in Events(ledger).of_study(STUDY)] == [EventKind.ARRIVED]
