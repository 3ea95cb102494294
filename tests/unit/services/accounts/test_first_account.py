"""The first account: only with the code, only once, only while there is none."""

import stat
from pathlib import Path

import pytest

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.errors import AccountRefused, PasswordRefused, SignInDelayed, SignInRefused
from appliance.services.accounts.sessions import SignedIn
from tests.helpers.people import PASSWORD, appliance_in


@pytest.fixture
def empty(tmp_path: Path) -> Appliance:
    """Without an account."""
    return appliance_in(tmp_path / "new")


def make(node: Appliance, code: str, password: str = PASSWORD) -> SignedIn:
    return node.first_account.make(code, name="Ada", shown="Ada L", password=password, address="192.0.2.1")


def test_the_code_makes_an_administrator_who_is_signed_in_and_is_then_gone(empty: Appliance) -> None:
    assert not empty.first_account.is_made
    signed_in = make(empty, empty.first_account.code)
    assert signed_in.user.name == "ada"
    assert signed_in.user.roles == {UserRole.PACS_ADMIN, UserRole.AI_LEAD}
    assert empty.sign_in.recognise(signed_in.identifier) is not None
    assert empty.first_account.is_made
    assert not empty.first_account.code_file.exists()


def test_the_code_is_for_its_owner_and_stays_the_same(empty: Appliance) -> None:
    code = empty.first_account.code
    assert empty.first_account.code == code
    assert stat.S_IMODE(empty.first_account.code_file.stat().st_mode) == 0o600
    assert len(set(code) - {"-"}) > 4


def test_typing_it_small_or_without_strokes_does_no_harm(empty: Appliance) -> None:
    assert make(empty, f" {empty.first_account.code.lower().replace('-', ' ')} ").user.name == "ada"


def test_another_code_makes_nothing_and_guessing_has_to_wait(empty: Appliance) -> None:
    for guess in ("", "AAAA-AAAA-AAAA-AAAA", "x", "ä", "-"):
        with pytest.raises(SignInRefused):
            make(empty, guess)
    with pytest.raises(SignInDelayed):
        make(empty, empty.first_account.code)
    assert not empty.users.any()


def test_a_weak_password_leaves_the_code_as_it_was(empty: Appliance) -> None:
    code = empty.first_account.code
    with pytest.raises(PasswordRefused):
        make(empty, code, "password1234")
    assert make(empty, code).user.name == "ada"


def test_there_is_no_second_first_account(empty: Appliance) -> None:
    code = empty.first_account.code
    make(empty, code)
    with pytest.raises(AccountRefused):
        make(empty, code)
    with pytest.raises(AccountRefused):
        make(empty, empty.first_account.code)
