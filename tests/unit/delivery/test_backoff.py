"""Waits double, stay bounded, and spread what failed together."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.delivery.backoff import Backoff

BACKOFF = Backoff(first=timedelta(seconds=4), longest=timedelta(seconds=60), attempts=5)


@given(attempt=st.integers(1, 10_000), identity=st.text())
def test_a_wait_lies_within_a_quarter_of_its_nominal_value(attempt: int, identity: str) -> None:
    nominal = min(4 * 2 ** min(attempt - 1, 30), 60)
    assert 0.75 * nominal <= BACKOFF.wait(attempt, identity).total_seconds() <= 1.25 * nominal


def test_the_same_failure_waits_the_same_everywhere() -> None:
    assert BACKOFF.wait(3, "1.2", "pacs") == BACKOFF.wait(3, "1.2", "pacs")


def test_deliveries_that_failed_together_do_not_come_back_together() -> None:
    waits = {BACKOFF.wait(1, f"1.2.{number}", "pacs") for number in range(50)}
    assert len(waits) == 50
    assert max(waits) - min(waits) > timedelta(seconds=1)
