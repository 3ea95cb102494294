"""A breaker opens after failures in a row, lets one through in time, and closes on an answer."""

from datetime import timedelta

import pytest

from appliance.store.destinations import Breaker, BreakerRule, DestinationState, DestinationStates
from appliance.store.engine import Ledger
from tests.unit.store.conftest import NOON, Clock

HOLD = timedelta(seconds=60)
RULE = BreakerRule(failures=3, first=timedelta(seconds=30), longest=timedelta(seconds=100))


@pytest.fixture
def known(ledger: Ledger, clock: Clock) -> DestinationStates:
    return DestinationStates(ledger, clock, RULE)


def fail(known: DestinationStates, times: int) -> Breaker:
    return [known.failed("pacs", "no answer") for _ in range(times)][-1]


def test_a_destination_that_nobody_sent_to_stands_as_new(known: DestinationStates) -> None:
    assert known.get("pacs") == DestinationState(name="pacs")
    assert known.all() == {}


def test_it_opens_after_so_many_failures_in_a_row(known: DestinationStates) -> None:
    assert fail(known, 2) is Breaker.CLOSED
    assert known.enter("pacs", HOLD) is Breaker.CLOSED
    assert fail(known, 1) is Breaker.OPEN
    assert known.enter("pacs", HOLD) is Breaker.OPEN
    assert known.get("pacs").detail == "no answer"


def test_an_answer_in_between_begins_the_count_anew(known: DestinationStates) -> None:
    fail(known, 2)
    known.answered("pacs")
    assert fail(known, 2) is Breaker.CLOSED


def test_after_its_time_one_is_let_through_at_a_time(known: DestinationStates, clock: Clock) -> None:
    fail(known, 3)
    clock.pass_by(seconds=31)
    assert known.enter("pacs", HOLD) is Breaker.HALF_OPEN
    assert known.enter("pacs", HOLD) is Breaker.OPEN
    known.not_used("pacs")
    assert known.enter("pacs", HOLD) is Breaker.HALF_OPEN
    known.answered("pacs")
    assert known.enter("pacs", HOLD) is Breaker.CLOSED


def test_who_dies_while_it_is_half_open_blocks_it_for_the_hold_only(known: DestinationStates, clock: Clock) -> None:
    fail(known, 3)
    clock.pass_by(seconds=31)
    known.enter("pacs", HOLD)
    clock.pass_by(seconds=61)
    assert known.enter("pacs", HOLD) is Breaker.HALF_OPEN


def test_each_further_failure_doubles_the_time_up_to_the_longest(known: DestinationStates) -> None:
    fail(known, 3)
    spans = []
    for _ in range(3):
        until = known.get("pacs").closed_until
        assert until is not None
        spans.append((until - NOON).total_seconds())
        known.failed("pacs", "no answer")
    assert spans == [30, 60, 100]


def test_somebody_who_mended_it_lets_everything_through(known: DestinationStates) -> None:
    fail(known, 3)
    known.reset("pacs")
    assert known.enter("pacs", HOLD) is Breaker.CLOSED


def test_destinations_do_not_share_a_breaker(known: DestinationStates) -> None:
    fail(known, 3)
    assert known.enter("archive", HOLD) is Breaker.CLOSED


def test_a_probe_replaces_the_one_before(known: DestinationStates) -> None:
    known.probed("pacs", {"1.2": ("1.2.1",), "1.3": ()})
    known.probed("pacs", {"1.2": ()})
    state = known.get("pacs")
    assert (state.accepted, state.probed_at) == ({"1.2": ()}, NOON)
