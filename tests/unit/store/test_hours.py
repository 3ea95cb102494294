"""Work with hours begins in them and at no other time; who asks for it by hand gets it at once."""

from datetime import UTC, datetime, time

import pytest

from appliance.domain.hours import Hours
from appliance.store.claims import Claims
from appliance.store.engine import Ledger
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import Clock, workitem

NIGHT = Hours(start=time(20), end=time(6), zone="UTC", days=(0, 1, 2, 3, 4))
EIGHT = datetime(2026, 11, 23, 20, tzinfo=UTC)


@pytest.fixture
def workitems(ledger: Ledger, clock: Clock) -> Workitems:
    return Workitems(ledger, clock)


@pytest.fixture
def claims(ledger: Ledger, clock: Clock) -> Claims:
    return Claims(ledger, clock)


def test_work_waits_for_its_hours(workitems: Workitems, claims: Claims, clock: Clock) -> None:
    item = workitem(run_between=NIGHT)
    workitems.schedule([item])
    assert workitems.runnable() == ()
    assert workitems.get(item.uid).not_before == EIGHT
    assert claims.claim(item.uid, "one") is None
    clock.now = EIGHT
    assert [found.run_between for found in workitems.runnable()] == [NIGHT]
    assert claims.claim(item.uid, "one") is not None


def test_work_that_missed_its_hours_waits_for_the_next(workitems: Workitems, claims: Claims, clock: Clock) -> None:
    item = workitem(run_between=NIGHT)
    workitems.schedule([item])
    clock.now = EIGHT.replace(day=24, hour=7)
    assert workitems.runnable()
    assert claims.claim(item.uid, "one") is None
    assert workitems.get(item.uid).not_before == EIGHT.replace(day=24)
    assert workitems.runnable() == ()
    assert workitems.get(item.uid).attempts == 0


def test_work_in_its_hours_begins_at_once(workitems: Workitems, clock: Clock) -> None:
    clock.now = EIGHT
    workitems.schedule([workitem(run_between=NIGHT)])
    assert workitems.runnable()


def test_a_repetition_by_hand_does_not_wait(workitems: Workitems) -> None:
    item = workitem(run_between=NIGHT)
    workitems.schedule([item])
    (again,) = workitems.repeat(item.uid)
    assert [found.uid for found in workitems.runnable()] == [again]
