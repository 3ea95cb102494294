"""Guessing gets slower with every guess, for the account and for the address; time and success make up for it."""

from datetime import timedelta

import pytest

from appliance.store.engine import Ledger
from appliance.store.sign_in_failures import DelayRule, SignInFailures
from tests.unit.store.conftest import Clock

RULE = DelayRule(free=3, first=timedelta(seconds=2), longest=timedelta(seconds=60))


@pytest.fixture
def failures(ledger: Ledger, clock: Clock) -> SignInFailures:
    return SignInFailures(ledger, clock)


def test_the_first_attempts_are_free_then_each_waits_twice_as_long(failures: SignInFailures, clock: Clock) -> None:
    waits = []
    for _ in range(10):
        assert failures.attempt({"account:ada": RULE}) == timedelta()
        wait = failures.attempt({"account:ada": DelayRule(free=100)})
        if wait == timedelta():  # it was not delayed, so this one was counted too
            continue
        waits.append(wait.total_seconds())
        clock.pass_by(seconds=waits[-1])
    assert waits[:4] == [2, 4, 8, 16]
    assert max(waits) == 60


def test_an_attempt_that_has_to_wait_is_not_counted(failures: SignInFailures, clock: Clock) -> None:
    for _ in range(3):
        failures.attempt({"account:ada": RULE})
    assert [failures.attempt({"account:ada": RULE}).total_seconds() for _ in range(5)] == [2] * 5


def test_whoever_has_to_wait_longest_decides(failures: SignInFailures) -> None:
    for _ in range(3):
        failures.attempt({"address:x": RULE})
    assert failures.attempt({"account:ada": RULE, "address:x": RULE}) == timedelta(seconds=2)
    assert failures.attempt({"account:ada": RULE, "address:y": RULE}) == timedelta()


def test_success_forgets_and_so_does_a_day(failures: SignInFailures, clock: Clock) -> None:
    for subject in ("account:ada", "account:bob"):
        for _ in range(3):
            failures.attempt({subject: RULE})
    failures.succeeded("account:ada")
    assert failures.attempt({"account:ada": RULE}) == timedelta()
    clock.pass_by(days=1, seconds=1)
    for _ in range(3):
        assert failures.attempt({"account:bob": RULE}) == timedelta()
