"""A claim lives while its work goes on, and dies with its limit."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from appliance.domain.errors import LeaseLost, TimeLimitExceeded
from appliance.services.heartbeat import Heartbeat
from appliance.store.claims import Claim, Claims
from tests.helpers.services import wait_for
from tests.unit.store.conftest import workitem

CLAIM = Claim(workitem=workitem(), worker="one", attempt=1, token=1)


class BeatenClaims(Claims):
    """Counts heartbeats and answers them as told."""

    def __init__(self, *answers: Exception) -> None:
        self.lease = timedelta(seconds=0.03)
        self.beats = 0
        self.released: list[str] = []
        self._answers = list(answers)

    def heartbeat(self, claim: Claim) -> None:
        assert claim is CLAIM
        self.beats += 1
        if self._answers:
            raise self._answers.pop(0)

    def release(self, claim: Claim, code: str, *_: Any, **__: Any) -> None:
        self.released.append(code)


def lost(heartbeat: Heartbeat) -> bool:
    try:
        heartbeat.check()
    except LeaseLost:
        return True
    return False


def test_the_lease_is_renewed_while_the_work_goes_on_and_not_after() -> None:
    claims = BeatenClaims()
    with Heartbeat(claims, CLAIM, limit_s=60) as heartbeat:
        wait_for(lambda: claims.beats >= 3, "three beats")
        heartbeat.check()
    beats = claims.beats
    time.sleep(0.05)
    assert claims.beats == beats


def test_a_lost_lease_is_told_and_no_more_renewed() -> None:
    claims = BeatenClaims(LeaseLost())
    with Heartbeat(claims, CLAIM, limit_s=60) as heartbeat:
        wait_for(lambda: lost(heartbeat), "the loss")
        time.sleep(0.05)
        assert claims.beats == 1


def test_a_ledger_that_is_busy_once_costs_nothing() -> None:
    claims = BeatenClaims(TimeoutError("busy"))
    with Heartbeat(claims, CLAIM, limit_s=60) as heartbeat:
        wait_for(lambda: claims.beats >= 2, "a second beat")
        heartbeat.check()


def test_work_beyond_its_limit_loses_its_lease() -> None:
    claims = BeatenClaims()
    with Heartbeat(claims, CLAIM, limit_s=0) as heartbeat:
        wait_for(lambda: lost(heartbeat), "the end of the time limit")
    assert claims.beats == 0
    assert claims.released == [TimeLimitExceeded.code]


def test_work_that_does_not_end_after_its_limit_is_told() -> None:
    told = threading.Event()
    with Heartbeat(BeatenClaims(), CLAIM, limit_s=0, stuck=told.set):
        assert told.wait(30)


def test_work_that_ends_soon_after_its_limit_is_not_stuck() -> None:
    told = threading.Event()
    claims = BeatenClaims()
    claims.lease = timedelta(seconds=9)
    with Heartbeat(claims, CLAIM, limit_s=0, stuck=told.set) as heartbeat:
        wait_for(lambda: lost(heartbeat), "the end of the time limit")
    assert not told.is_set()


def test_no_thread_is_left_behind_when_the_work_fails() -> None:
    def failing_work() -> None:
        with Heartbeat(BeatenClaims(), CLAIM, limit_s=60):
            raise ValueError

    with pytest.raises(ValueError):
        failing_work()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("heartbeat")]
