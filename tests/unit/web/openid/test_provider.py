"""What the provider says is believed only if its own key signed it, for us, now, and in answer to what we asked."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from appliance.domain.errors import OpenIdRefused
from appliance.settings import Settings
from appliance.web.openid.provider import OpenIdProvider

ISSUER = "https://id.example"
GOOD = {"iss": ISSUER, "aud": "us", "sub": "7", "nonce": "n", "iat": int(time.time()), "exp": int(time.time()) + 300}
KEY = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
ANOTHER = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)


def signed(claims: dict[str, Any], key: RSAKey = KEY, **header: str) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"} | header, claims, key)


def by_hand(algorithm: str, secret: bytes) -> str:
    """As no library would make it."""
    parts = [json.dumps({"alg": algorithm, "kid": "one"}).encode(), json.dumps(GOOD).encode()]
    content = b".".join(map(_base64, parts))
    mac = hmac.digest(secret, content, "sha256") if secret else b""
    return b".".join([content, _base64(mac)]).decode()


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> OpenIdProvider:
    """Whose published key is KEY."""
    published = {
        f"{ISSUER}/.well-known/openid-configuration": {"issuer": ISSUER, "jwks_uri": "keys", "token_endpoint": "t"},
        "keys": KeySet([KEY]).as_dict(private=False),
    }
    roles = {"x": "auditor"}
    made = OpenIdProvider(Settings(openid={"issuer": ISSUER, "client_id": "us", "roles": roles}))
    monkeypatch.setattr(made, "_get", published.__getitem__)
    return made


def verified(provider: OpenIdProvider, id_token: str) -> dict[str, Any]:
    return dict(provider._verified({"id_token": id_token, "access_token": "a"}, "n"))


def test_what_the_provider_signed_for_us_is_believed(provider: OpenIdProvider) -> None:
    assert verified(provider, signed(GOOD))["sub"] == "7"


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody else"},
        {"aud": ["us", "somebody else"], "azp": "somebody else"},
        {"nonce": "of another request"},
        {"nonce": None},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"sub": None},
        {"at_hash": "of another access token"},
    ],
    ids=str,
)
def test_what_it_said_to_others_or_at_another_time_is_not(provider: OpenIdProvider, change: dict[str, Any]) -> None:
    claims = {name: value for name, value in (GOOD | change).items() if value is not None}
    with pytest.raises(OpenIdRefused):
        verified(provider, signed(claims))


@pytest.mark.parametrize(
    "forge",
    [
        lambda: signed(GOOD, ANOTHER),
        lambda: by_hand("HS256", b"a secret that is known to more than one"),
        lambda: by_hand("HS256", KEY.as_pem(private=False)),
        lambda: by_hand("none", b""),
        lambda: signed(GOOD, ANOTHER, kid="two"),
        lambda: "not a token",
        lambda: "",
    ],
    ids=["another key", "a shared secret", "the public key as a secret", "unsigned", "an unknown key", "text", "empty"],
)
def test_what_its_key_did_not_sign_is_not(provider: OpenIdProvider, forge: Callable[[], str]) -> None:
    with pytest.raises(OpenIdRefused):
        verified(provider, forge())


def test_a_new_key_is_fetched_once_it_signs(provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    verified(provider, signed(GOOD))
    new = RSAKey.generate_key(2048, {"kid": "two"}, auto_kid=False)
    monkeypatch.setattr(provider, "_get", lambda _: KeySet([KEY, new]).as_dict(private=False))
    assert verified(provider, signed(GOOD, new, kid="two"))["sub"] == "7"


def test_a_provider_that_calls_itself_otherwise_is_refused(
    provider: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "_get", lambda _: {"issuer": f"{ISSUER}/", "jwks_uri": "keys"})
    with pytest.raises(OpenIdRefused):
        verified(provider, signed(GOOD))


def test_its_settings_are_whole_or_refused(tmp_path: Path) -> None:
    whole = {"issuer": ISSUER, "client_id": "us", "roles": {"x": "auditor"}}
    Settings(home=tmp_path, openid=whole)
    wrong = ({"issuer": "http://id.example"}, {"issuer": "id.example"}, {"client_id": ""}, {"roles": {}})
    for change in (*wrong, {"roles": {"x": "king"}}):
        with pytest.raises(ValueError):
            Settings(home=tmp_path, openid=whole | change)
