"""An account and its sessions, for tests of what hangs on them."""

from datetime import timedelta

from appliance.domain.access import UserRole
from appliance.store.engine import Ledger
from appliance.store.users import Users
from appliance.store.web_sessions import WebSessions
from tests.unit.store.conftest import Clock


def some_user(ledger: Ledger, clock: Clock, name: str = "ada") -> None:
    Users(ledger, clock).add(name, display_name=name, roles=[UserRole.PACS_ADMIN], password_hash="hash")


def some_sessions(ledger: Ledger, clock: Clock) -> WebSessions:
    """Half an hour idle, half a day in all."""
    return WebSessions(ledger, idle=timedelta(minutes=30), longest=timedelta(hours=12), clock=clock)
