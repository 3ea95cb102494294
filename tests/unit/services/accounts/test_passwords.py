"""Passwords: weak ones are refused with the reason, verifying tells nobody apart, hashes are Argon2id."""

import pytest
from argon2 import PasswordHasher

from appliance.domain.errors import PasswordRefused
from appliance.services.accounts.passwords import Passwords, refuse_weak

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.mark.parametrize(
    "password",
    [
        "short-9F!x2",
        "password1234",
        "qwertyuiop12",
        "aaaaaaaaaaaaaaaa",
        "123456789012345",
        "ada.lovelace is here to stay",
        "Ask Lovelace about the engine",
        "x7!" * 100,
    ],
)
def test_what_is_easy_to_guess_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused):
        refuse_weak(password, names=("ada.lovelace", "Ada Lovelace"))


@pytest.mark.parametrize("password", ["correct-horse-battery-staple", "vier grüne Kisten am Kai", "T9#kd0!vQz2p"])
def test_what_is_not_is_taken(password: str) -> None:
    refuse_weak(password, names=("ada", "Ada L"))


def test_a_hash_verifies_its_password_alone_and_never_holds_it() -> None:
    passwords = Passwords(QUICK)
    kept = passwords.hash("correct-horse")
    assert kept.startswith("$argon2id$")
    assert "correct" not in kept
    assert kept != passwords.hash("correct-horse")
    assert passwords.verify(kept, "correct-horse")
    assert not passwords.verify(kept, "Correct-horse")


def test_an_account_without_password_verifies_nothing_but_is_asked_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passwords = Passwords(QUICK)
    asked: list[str] = []
    verify = PasswordHasher.verify

    def watched(self: PasswordHasher, kept: str, given: str) -> bool:
        asked.append(kept)
        return verify(self, kept, given)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    assert not passwords.verify(None, "nobody has this password")
    assert len(asked) == 1


def test_what_is_no_hash_verifies_nothing() -> None:
    assert not Passwords(QUICK).verify("plain text", "plain text")


def test_the_default_is_as_strong_as_the_library_advises_and_older_hashes_are_known() -> None:
    passwords = Passwords()
    assert passwords.is_dated(QUICK.hash("something"))
    assert not passwords.is_dated(passwords.hash("something"))
