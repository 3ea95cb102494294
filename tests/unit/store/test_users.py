"""Accounts: no two of a name, never without an administrator, and what changes ends sessions."""

import pytest

from appliance.domain.access import UserRole
from appliance.domain.errors import AccountRefused, UnknownAccount
from appliance.store.engine import Ledger
from appliance.store.users import Users
from appliance.store.web_sessions import WebSessions
from tests.unit.store.conftest import NOON, Clock
from tests.unit.store.people import some_sessions

ADMIN = UserRole.PACS_ADMIN


@pytest.fixture
def users(ledger: Ledger, clock: Clock) -> Users:
    found = Users(ledger, clock)
    found.add("ada", display_name="Ada", roles=[ADMIN], password_hash="hash")
    return found


@pytest.fixture
def sessions(ledger: Ledger, clock: Clock) -> WebSessions:
    return some_sessions(ledger, clock)


def test_an_account_is_found_as_it_was_made(users: Users) -> None:
    user = users.get("ada")
    assert (user.display_name, user.roles, user.theme, user.locked) == ("Ada", {ADMIN}, "auto", False)
    assert user.created_at == user.password_changed_at == NOON
    assert users.password_hash("ada") == "hash"


def test_there_is_nobody_before_the_first(ledger: Ledger) -> None:
    assert not Users(ledger).any()
    assert Users(ledger).all() == ()


def test_a_name_is_taken_once(users: Users) -> None:
    with pytest.raises(AccountRefused):
        users.add("ada", display_name="Another", roles=[ADMIN])


def test_the_first_account_is_made_only_while_there_is_none(users: Users) -> None:
    with pytest.raises(AccountRefused):
        users.add("bob", display_name="Bob", roles=[ADMIN], first=True)


@pytest.mark.parametrize("deed", ["lock", "remove", "demote"])
def test_somebody_who_administers_accounts_always_remains(users: Users, deed: str) -> None:
    users.add("rad", display_name="Rad", roles=[UserRole.RADIOLOGIST])
    deeds = {
        "lock": lambda: users.set_locked("ada", True),
        "remove": lambda: users.remove("ada"),
        "demote": lambda: users.set_roles("ada", [UserRole.AUDITOR]),
    }
    with pytest.raises(AccountRefused):
        deeds[deed]()
    assert users.get("ada").roles == {ADMIN}
    assert not users.get("ada").locked
    users.add("bob", display_name="Bob", roles=[ADMIN])
    deeds[deed]()


def test_a_locked_administrator_does_not_count(users: Users) -> None:
    users.add("bob", display_name="Bob", roles=[ADMIN])
    users.set_locked("bob", True)
    with pytest.raises(AccountRefused):
        users.remove("ada")


def test_another_password_ends_every_session_but_the_one_it_was_changed_in(users: Users, sessions: WebSessions) -> None:
    for name in ("one", "two"):
        sessions.begin(name, user_name="ada", address="")
    users.set_password_hash("ada", "new", keep_session="two")
    assert [item.id_sha256 for item in sessions.of_user("ada")] == ["two"]
    users.set_password_hash("ada", "newer")
    assert sessions.of_user("ada") == ()


def test_locking_ends_sessions_and_removing_takes_them_along(users: Users, sessions: WebSessions) -> None:
    users.add("bob", display_name="Bob", roles=[UserRole.AUDITOR])
    sessions.begin("one", user_name="bob", address="")
    users.set_locked("bob", True)
    assert sessions.of_user("bob") == ()
    users.set_locked("bob", False)
    sessions.begin("two", user_name="bob", address="")
    users.remove("bob")
    assert sessions.find("two") is None


def test_appearance_changes_one_thing_at_a_time(users: Users) -> None:
    users.set_appearance("ada", theme="dark")
    users.set_appearance("ada", language="de")
    assert (users.get("ada").theme, users.get("ada").language) == ("dark", "de")


def test_somebody_at_a_provider_is_found_by_subject(users: Users) -> None:
    users.add("bob", display_name="Bob", roles=[UserRole.AUDITOR], subject="issuer#7")
    found = users.by_subject("issuer#7")
    assert found is not None
    assert (found.name, found.has_password) == ("bob", False)
    assert users.password_hash("bob") is None
    assert users.by_subject("issuer#8") is None


def test_an_account_that_is_not_there_is_named(users: Users) -> None:
    for deed in (users.get, users.remove, users.signed_in):
        with pytest.raises(UnknownAccount, match="nobody"):
            deed("nobody")
