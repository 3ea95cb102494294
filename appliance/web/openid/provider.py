"""The OpenID provider as we see it: where it sends people, what it gives for a code, and whether to trust it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from appliance.domain.errors import ApplianceError, OpenIdRefused, OpenIdUnavailable
from appliance.settings import OpenIdSettings, Settings

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key that the provider publishes: never a shared secret, never none."""
_LEEWAY_S = 60
_TIMEOUT_S = 10.0
_DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One attempt to sign in, as it is remembered until the provider sends the person back."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class OpenIdProvider:
    """Asks the provider of the settings. What it publishes is fetched once, its keys again when a new one signs."""

    def __init__(self, settings: Settings) -> None:
        self._settings: OpenIdSettings = settings.openid
        trusted = settings.openid.trusted_certificates
        self._trust: str | bool = str(settings.home / trusted) if trusted else True
        file = settings.openid.client_secret_file
        self._secret_file = settings.home / file if file else None
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None

    @property
    def label(self) -> str:
        """What the button says; "" for a general word."""
        return self._settings.label

    def address(self, request: Request) -> str:
        """Where to send the person. Raises OpenIdUnavailable."""
        with self._client(request) as client:
            url, _ = client.create_authorization_url(
                self._published()["authorization_endpoint"],
                state=request.state,
                code_verifier=request.verifier,
                nonce=request.nonce,
            )
        return str(url)

    def claims(self, request: Request, returned: str) -> Mapping[str, Any]:
        """What the provider says of whoever came back to the address `returned`.

        Raises OpenIdRefused where it says no, or says something that is not proved; OpenIdUnavailable.
        """
        try:
            with self._client(request) as client:
                token = client.fetch_token(
                    self._published()["token_endpoint"],
                    authorization_response=returned,
                    state=request.state,
                    code_verifier=request.verifier,
                    timeout=_TIMEOUT_S,
                )
        except ApplianceError:
            raise
        except requests.RequestException as error:
            raise OpenIdUnavailable(type(error).__name__) from error
        except Exception as error:
            raise OpenIdRefused(type(error).__name__) from error
        return self._verified(token, request.nonce)

    def _verified(self, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        """The claims of the ID token (OpenID Connect Core 3.1.3.7)."""
        try:
            decoded = self._decoded(str(token["id_token"]))
            options = {
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
                "exp": {"essential": True},
                "sub": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
            }
            given = {"nonce": nonce, "client_id": self._settings.client_id, "access_token": token.get("access_token")}
            claims = CodeIDToken(decoded.claims, decoded.header, options, given)
            claims.validate(leeway=_LEEWAY_S)
        except (KeyError, ValueError, JoseError) as error:
            raise OpenIdRefused(f"the ID token is not proved: {type(error).__name__}") from error
        return dict(claims)

    def _decoded(self, id_token: str) -> jwt.Token:
        registry = JWSRegistry(algorithms=list(_ALGORITHMS), strict_check_header=False)
        try:
            return jwt.decode(id_token, self._published_keys(), registry=registry)
        except InvalidKeyIdError:
            return jwt.decode(id_token, self._published_keys(anew=True), registry=registry)

    def _client(self, request: Request) -> OAuth2Session:
        client = OAuth2Session(
            client_id=self._settings.client_id,
            client_secret=self._secret_file.read_text(encoding="utf-8").strip() if self._secret_file else None,
            token_endpoint_auth_method="client_secret_basic" if self._secret_file else "none",
            scope=self._settings.scope,
            redirect_uri=request.redirect_uri,
            code_challenge_method="S256",
        )
        client.trust_env = False
        client.verify = self._trust
        return client

    def _published(self) -> Mapping[str, Any]:
        """The provider's metadata (OpenID Connect Discovery 4)."""
        with self._lock:
            if self._metadata is None:
                metadata = self._get(self._settings.issuer.rstrip("/") + _DISCOVERY)
                if metadata.get("issuer") != self._settings.issuer:
                    raise OpenIdRefused("the provider calls itself otherwise than openid.issuer")
                self._metadata = metadata
            return self._metadata

    def _published_keys(self, *, anew: bool = False) -> KeySet:
        address = self._published()["jwks_uri"]
        with self._lock:
            if self._keys is None or anew:
                self._keys = KeySet.import_key_set(self._get(address))  # type: ignore[arg-type] # JSON, which it checks
            return self._keys

    def _get(self, address: str) -> dict[str, Any]:
        try:
            with requests.Session() as client:
                client.trust_env = False
                answer = client.get(address, verify=self._trust, timeout=_TIMEOUT_S)
            answer.raise_for_status()
            found = answer.json()
        except (requests.RequestException, ValueError, OSError) as error:
            raise OpenIdUnavailable(type(error).__name__) from error
        if not isinstance(found, dict):
            raise OpenIdUnavailable("the provider answers with something else than an object")
        return found
