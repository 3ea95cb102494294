"""A claim lives while its work goes on, and dies with its limit."""

import threading
import time
from datetime import timedelta

import pytest

from appliance.domain.errors import LeaseLost
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
        self._answers = list(answers)

    def heartbeat(self, claim: Claim) -> None:
        assert claim is CLAIM
        self.beats += 1
        if self._answers:
            raise self._answers.pop(0)


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


def test_no_thread_is_left_behind_when_the_work_fails() -> None:
    def failing_work() -> None:
        with Heartbeat(BeatenClaims(), CLAIM, limit_s=60):
            raise ValueError

    with pytest.raises(ValueError):
        failing_work()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("heartbeat")]
