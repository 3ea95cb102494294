"""Sessions end when nobody uses them, and after half a day whoever uses them."""

import pytest

from appliance.store.engine import Ledger
from appliance.store.web_sessions import WebSessions
from tests.unit.store.conftest import Clock
from tests.unit.store.people import some_sessions, some_user


@pytest.fixture
def sessions(ledger: Ledger, clock: Clock) -> WebSessions:
    some_user(ledger, clock)
    found = some_sessions(ledger, clock)
    found.begin("one", user_name="ada", address="192.0.2.1")
    return found


def test_a_session_ends_when_it_is_idle(sessions: WebSessions, clock: Clock) -> None:
    clock.pass_by(minutes=29)
    assert sessions.find("one", using=False) is not None
    clock.pass_by(minutes=1)
    assert sessions.find("one") is None


def test_use_puts_the_idle_end_off(sessions: WebSessions, clock: Clock) -> None:
    for _ in range(3):
        clock.pass_by(minutes=20)
        assert sessions.find("one") is not None


def test_no_use_puts_the_last_end_off(sessions: WebSessions, clock: Clock) -> None:
    for _ in range(35):
        clock.pass_by(minutes=20)
        assert sessions.find("one") is not None
    clock.pass_by(minutes=20)
    assert sessions.find("one") is None


def test_looking_without_using_lets_it_end(sessions: WebSessions, clock: Clock) -> None:
    clock.pass_by(minutes=20)
    assert sessions.find("one", using=False) is not None
    clock.pass_by(minutes=20)
    assert sessions.find("one") is None


def test_ended_sessions_are_forgotten_when_another_begins(sessions: WebSessions, clock: Clock) -> None:
    clock.pass_by(hours=1)
    sessions.begin("two", user_name="ada", address="")
    assert [item.id_sha256 for item in sessions.of_user("ada")] == ["two"]


def test_a_session_is_ended_alone_or_all_others(sessions: WebSessions) -> None:
    for name in ("two", "three"):
        sessions.begin(name, user_name="ada", address="")
    sessions.end("one")
    sessions.end("one")
    assert sessions.find("one") is None
    sessions.end_others("ada", "three")
    assert [item.id_sha256 for item in sessions.of_user("ada")] == ["three"]
