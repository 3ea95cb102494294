"""Attempts to sign in that are with an OpenID provider: what must fit when the person comes back. Each counts once."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete

from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import OpenIdRequestRow


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdRequest:
    """state_sha256: of what the provider gives back; browser_sha256: of what the browser alone has."""

    state_sha256: str
    browser_sha256: str
    nonce: str
    verifier: str
    redirect_uri: str
    wanted: str


class OpenIdRequests:
    """Kept for ten minutes."""

    kept_for = timedelta(minutes=10)

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def begin(self, request: OpenIdRequest) -> None:
        """Remember an attempt; those that are too old are forgotten on the way."""
        now = self._clock()
        row = OpenIdRequestRow(
            state_sha256=request.state_sha256,
            browser_sha256=request.browser_sha256,
            nonce=request.nonce,
            verifier=request.verifier,
            redirect_uri=request.redirect_uri,
            wanted=request.wanted,
            begun_at=now,
        )
        with self._ledger.write() as session:
            session.execute(delete(OpenIdRequestRow).where(OpenIdRequestRow.begun_at <= now - self.kept_for))
            session.add(row)

    @retried
    def take(self, state_sha256: str, browser_sha256: str) -> OpenIdRequest | None:
        """The attempt, if it was begun in this browser and not long ago; it is forgotten."""
        with self._ledger.write() as session:
            row = session.get(OpenIdRequestRow, state_sha256)
            if row is None or row.browser_sha256 != browser_sha256:
                return None
            session.delete(row)
            is_old = row.begun_at <= self._clock() - self.kept_for
            return None if is_old else _request(row)


def _request(row: OpenIdRequestRow) -> OpenIdRequest:
    return OpenIdRequest(
        state_sha256=row.state_sha256,
        browser_sha256=row.browser_sha256,
        nonce=row.nonce,
        verifier=row.verifier,
        redirect_uri=row.redirect_uri,
        wanted=row.wanted,
    )
