"""Tokens are found by what they hash to until they expire, and revoked by their owner alone."""

from datetime import timedelta

import pytest

from appliance.domain.access import Permission
from appliance.domain.errors import UnknownToken
from appliance.store.api_tokens import ApiToken, ApiTokens
from appliance.store.engine import Ledger
from tests.unit.store.conftest import NOON, Clock
from tests.unit.store.people import some_user


@pytest.fixture
def tokens(ledger: Ledger, clock: Clock) -> ApiTokens:
    some_user(ledger, clock)
    some_user(ledger, clock, "bob")
    return ApiTokens(ledger, clock)


def add(tokens: ApiTokens, number: str = "n1") -> ApiToken:
    allowed = [Permission.STORE, Permission.STUDIES_READ]
    return tokens.add(
        number, user_name="ada", label="ct", token_sha256=f"hash-{number}", permissions=allowed, lasts=timedelta(days=9)
    )


def test_a_token_is_found_until_it_expires(tokens: ApiTokens, clock: Clock) -> None:
    made = add(tokens)
    assert tokens.find("hash-n1") == made
    assert made.permissions == {Permission.STORE, Permission.STUDIES_READ}
    clock.pass_by(days=9)
    assert tokens.find("hash-n1") is None
    assert [token.number for token in tokens.of_user("ada")] == ["n1"]


def test_its_use_is_noted(tokens: ApiTokens) -> None:
    add(tokens)
    tokens.find("hash-n1")
    assert [token.used_at for token in tokens.of_user("ada")] == [NOON]


def test_only_its_owner_revokes_it(tokens: ApiTokens) -> None:
    add(tokens)
    with pytest.raises(UnknownToken):
        tokens.remove("n1", user_name="bob")
    tokens.remove("n1", user_name="ada")
    assert tokens.find("hash-n1") is None
    with pytest.raises(UnknownToken):
        tokens.remove("n1", user_name="ada")
