"""Signing in: never says why not, waits longer with every guess, begins a session that nobody could plant."""

import sqlite3
from pathlib import Path

import pytest

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.audit import AuditKind
from appliance.domain.errors import SignInDelayed, SignInRefused
from appliance.services.accounts.passwords import Passwords
from appliance.store.audit_trail import AuditQuery
from tests.helpers.people import PASSWORD, TEST, add_user

HERE = "192.0.2.1"


def test_name_and_password_begin_a_session(node: Appliance) -> None:
    signed_in = node.sign_in.with_password(" ADA ", PASSWORD, address=HERE)
    found = node.sign_in.recognise(signed_in.identifier)
    assert found is not None
    assert (found[0].name, found[1].address) == ("ada", HERE)
    assert node.users.get("ada").signed_in_at is not None


def test_every_session_has_an_identifier_of_its_own(node: Appliance) -> None:
    given = {node.sign_in.with_password("ada", PASSWORD, address=HERE).identifier for _ in range(3)}
    assert len(given) == 3
    assert all(len(identifier) >= 43 for identifier in given)


def test_the_ledger_cannot_be_used_to_sign_in(node: Appliance, tmp_path: Path) -> None:
    identifier = node.sign_in.with_password("ada", PASSWORD, address=HERE).identifier
    content = "\n".join(sqlite3.connect(tmp_path / "state" / "ledger.sqlite").iterdump())
    assert "web_sessions" in content
    assert identifier not in content
    assert PASSWORD not in content


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("locked", PASSWORD), ("", "")])
def test_a_refusal_does_not_say_why(node: Appliance, name: str, password: str) -> None:
    add_user(node, "locked")
    node.account_desk.set_locked("locked", True, actor=TEST)
    with pytest.raises(SignInRefused) as refused:
        node.sign_in.with_password(name, password, address=HERE)
    assert str(refused.value) == str(SignInRefused())
    record = node.audit.search(AuditQuery(kind=AuditKind.SIGN_IN_REFUSED), 1)[0]
    assert (record.actor, record.address) == (name, HERE)


def test_guessing_one_account_has_to_wait_even_with_the_right_password_and_from_elsewhere(node: Appliance) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            node.sign_in.with_password("ada", "wrong", address=HERE)
    with pytest.raises(SignInDelayed, match="seconds"):
        node.sign_in.with_password("ada", PASSWORD, address="198.51.100.1")


def test_one_address_cannot_try_many_accounts(node: Appliance) -> None:
    add_user(node, "bob")
    for number in range(30):
        with pytest.raises(SignInRefused):
            node.sign_in.with_password(f"user{number}", "wrong", address=HERE)
    with pytest.raises(SignInDelayed):
        node.sign_in.with_password("bob", PASSWORD, address=HERE)
    assert node.sign_in.with_password("bob", PASSWORD, address="198.51.100.1").user.name == "bob"


def test_success_takes_the_failures_back(node: Appliance) -> None:
    for _ in range(4):
        for _ in range(4):
            with pytest.raises(SignInRefused):
                node.sign_in.with_password("ada", "wrong", address=HERE)
        node.sign_in.with_password("ada", PASSWORD, address=HERE)


def test_a_session_ends_by_signing_out_locking_and_removing(node: Appliance) -> None:
    add_user(node, "boss", UserRole.PACS_ADMIN)
    first, second = (node.sign_in.with_password("ada", PASSWORD, address=HERE) for _ in range(2))
    node.sign_in.out(first.identifier, first.user, address=HERE)
    assert node.sign_in.recognise(first.identifier) is None
    assert node.sign_in.recognise(second.identifier) is not None
    node.account_desk.set_locked("ada", True, actor=TEST)
    assert node.sign_in.recognise(second.identifier) is None
    kinds = {record.kind for record in node.audit.search(AuditQuery(actor="ada"), 20)}
    assert {AuditKind.SIGNED_IN, AuditKind.SIGNED_OUT} <= kinds


def test_what_was_never_given_out_is_no_session(node: Appliance) -> None:
    assert node.sign_in.recognise("\udcff made up") is None


def test_a_hash_with_older_parameters_is_renewed(node: Appliance) -> None:
    before = node.users.password_hash("ada")
    node.sign_in._passwords = Passwords()
    node.sign_in.with_password("ada", PASSWORD, address=HERE)
    after = node.users.password_hash("ada")
    assert after != before
    assert not Passwords().is_dated(str(after))
