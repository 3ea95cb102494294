"""Tokens that programs sign in with. Only hashes are kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from appliance.domain.access import Permission
from appliance.domain.errors import UnknownToken
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import ApiTokenRow

_USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token of an account; number: what it is called where it is listed, not what it is."""

    number: str
    user_name: str
    label: str
    permissions: frozenset[Permission]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class ApiTokens:
    """The tokens of the ledger."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def add(
        self,
        number: str,
        *,
        user_name: str,
        label: str,
        token_sha256: str,
        permissions: Iterable[Permission],
        lasts: timedelta,
    ) -> ApiToken:
        """A new token that expires after `lasts`."""
        now = self._clock()
        row = ApiTokenRow(
            number=number,
            user_name=user_name,
            label=label,
            token_sha256=token_sha256,
            permissions=sorted(permissions),
            created_at=now,
            expires_at=now + lasts,
            used_at=None,
        )
        with self._ledger.write() as session:
            session.add(row)
            session.flush()
            return _token(row)

    def find(self, token_sha256: str) -> ApiToken | None:
        """The token, unless it has expired; that it was used is noted."""
        now = self._clock()
        with self._ledger.read() as session:
            row = session.scalar(select(ApiTokenRow).where(ApiTokenRow.token_sha256 == token_sha256))
            if row is None or row.expires_at <= now:
                return None
            found = _token(row)
        if found.used_at is None or now - found.used_at >= _USED_EVERY:
            self._used(found.number, now)
        return found

    @retried
    def _used(self, number: str, now: datetime) -> None:
        with self._ledger.write() as session:
            row = session.get(ApiTokenRow, number)
            if row is not None:
                row.used_at = now

    def of_user(self, name: str) -> tuple[ApiToken, ...]:
        """The tokens of an account, latest first, expired ones too."""
        query = select(ApiTokenRow).where(ApiTokenRow.user_name == name).order_by(ApiTokenRow.created_at.desc())
        with self._ledger.read() as session:
            return tuple(_token(row) for row in session.scalars(query))

    @retried
    def remove(self, number: str, *, user_name: str) -> ApiToken:
        """Revoke a token of an account. Raises UnknownToken."""
        with self._ledger.write() as session:
            row = session.get(ApiTokenRow, number)
            if row is None or row.user_name != user_name:
                raise UnknownToken(where=number)
            session.delete(row)
            return _token(row)


def _token(row: ApiTokenRow) -> ApiToken:
    return ApiToken(
        number=row.number,
        user_name=row.user_name,
        label=row.label,
        permissions=frozenset(Permission(name) for name in row.permissions),
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )
