"""Figures over the whole ledger."""

from datetime import timedelta

import pytest

from appliance.domain.identifiers import SOPInstanceUID
from appliance.store.claims import Claims, Completion
from appliance.store.engine import Ledger
from appliance.store.instances import Instances
from appliance.store.outbox import Outbox
from appliance.store.statistics import Statistics
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import NOON, Clock, workitem
from tests.unit.store.test_claims import claimed, outgoing


@pytest.fixture
def statistics(ledger: Ledger, clock: Clock) -> Statistics:
    return Statistics(ledger, clock)


def test_an_empty_ledger_has_figures_too(statistics: Statistics) -> None:
    figures = statistics.figures()
    assert (figures.studies, figures.instances, figures.results) == (1, 1, 0)
    assert figures.workitems == {}
    assert figures.oldest_waiting_at is None
    assert statistics.newest_failures() == ()


def test_what_waits_and_what_lost_its_worker_is_counted(ledger: Ledger, clock: Clock, statistics: Statistics) -> None:
    items = [workitem("liver"), workitem("brain")]
    Workitems(ledger, clock).schedule(items)
    claimed(Claims(ledger, clock, lease=timedelta(seconds=60)), items[0])
    assert statistics.figures().workitems == {"SCHEDULED": 1, "IN PROGRESS": 1}
    assert statistics.figures().oldest_waiting_at == NOON
    assert statistics.figures().leases_expired == 0
    clock.pass_by(seconds=61)
    assert statistics.figures().leases_expired == 1


def test_failures_come_newest_first_with_their_codes(ledger: Ledger, clock: Clock, statistics: Statistics) -> None:
    item, other = workitem("liver"), workitem("brain", instances=(SOPInstanceUID("1.2.3.1.1"),))
    Workitems(ledger, clock).schedule([item, other])
    claims = Claims(ledger, clock)
    claims.complete(claimed(claims, item), Completion(findings=(), results=(outgoing(item, "9.9", "pacs"),)))
    (delivery,) = Outbox(ledger, clock).take(timedelta(minutes=1))
    clock.pass_by(seconds=1)
    Outbox(ledger, clock).dead(delivery, "destination-refused", "no")
    clock.pass_by(seconds=1)
    Workitems(ledger, clock).cancel(other.uid, "canceled-by-user")
    assert [(failure.kind, failure.code) for failure in statistics.newest_failures()] == [
        ("canceled", "canceled-by-user"),
        ("delivery-dead", "destination-refused"),
    ]
    assert len(statistics.newest_failures(1)) == 1
    figures = statistics.figures()
    assert figures.canceled_because == {"canceled-by-user": 1}
    assert figures.deliveries == {"orthanc dead": 1, "pacs pending": 1}


def test_what_was_set_aside_is_counted_by_reason(ledger: Ledger, clock: Clock, statistics: Statistics) -> None:
    Instances(ledger, clock).set_aside("a", "now", "not-input")
    Instances(ledger, clock).set_aside("b", "now", "not-input")
    assert statistics.figures().set_aside_because == {"not-input": 2}


def test_senders_are_known_by_when_they_sent_last(statistics: Statistics) -> None:
    assert statistics.last_received() == {}
