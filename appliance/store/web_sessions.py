"""Who is signed in at a browser. Only hashes of identifiers are kept: the ledger cannot be used to sign in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select

from appliance.domain.access import UserRole
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import UserRow, WebSessionRow

_SEEN_EVERY = timedelta(seconds=60)
"""A session that is used all the time is written this often, not at each request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSession:
    """A session that has not ended. expires_at: when it ends if it is not used."""

    id_sha256: str
    user_name: str
    address: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class WebSessions:
    """Sessions end when they are idle for `idle`, and after `longest` in any case."""

    def __init__(self, ledger: Ledger, *, idle: timedelta, longest: timedelta, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._idle = idle
        self._longest = longest
        self._clock = clock

    @retried
    def begin(self, id_sha256: str, *, user_name: str, address: str) -> WebSession:
        """A new session; those that have ended are forgotten on the way."""
        now = self._clock()
        row = WebSessionRow(id_sha256=id_sha256, user_name=user_name, address=address, created_at=now, seen_at=now)
        with self._ledger.write() as session:
            ended = or_(WebSessionRow.seen_at <= now - self._idle, WebSessionRow.created_at <= now - self._longest)
            session.execute(delete(WebSessionRow).where(ended))
            session.add(row)
            session.flush()
            return self._session(row)

    def find(self, id_sha256: str, *, using: bool = True) -> WebSession | None:
        """The session, if it has not ended; `using` it puts the idle time-out off."""
        now = self._clock()
        with self._ledger.read() as session:
            row = session.get(WebSessionRow, id_sha256)
            if row is None:
                return None
            found = self._session(row)
        if found.expires_at <= now:
            return None
        if using and now - found.seen_at >= _SEEN_EVERY:
            self._seen(id_sha256, now)
        return found

    def alive(self, id_sha256s: Collection[str]) -> Mapping[str, frozenset[UserRole]]:
        """Those of the sessions that have not ended, with the roles of their accounts; puts no time-out off."""
        now = self._clock()
        query = (
            select(WebSessionRow.id_sha256, UserRow.roles)
            .join(UserRow, UserRow.name == WebSessionRow.user_name)
            .where(WebSessionRow.id_sha256.in_(id_sha256s), UserRow.locked.is_(False))
            .where(WebSessionRow.seen_at > now - self._idle, WebSessionRow.created_at > now - self._longest)
        )
        with self._ledger.read() as session:
            return {uid: frozenset(map(UserRole, roles)) for uid, roles in session.execute(query)}

    @retried
    def _seen(self, id_sha256: str, now: datetime) -> None:
        with self._ledger.write() as session:
            row = session.get(WebSessionRow, id_sha256)
            if row is not None:
                row.seen_at = now

    def of_user(self, name: str) -> tuple[WebSession, ...]:
        """The sessions of an account, latest first."""
        query = select(WebSessionRow).where(WebSessionRow.user_name == name).order_by(WebSessionRow.created_at.desc())
        with self._ledger.read() as session:
            found = tuple(self._session(row) for row in session.scalars(query))
        return tuple(item for item in found if item.expires_at > self._clock())

    @retried
    def end(self, id_sha256: str) -> None:
        """End a session; one that has ended is no error."""
        with self._ledger.write() as session:
            session.execute(delete(WebSessionRow).where(WebSessionRow.id_sha256 == id_sha256))

    @retried
    def end_others(self, name: str, keep: str) -> None:
        """End every session of an account but one."""
        with self._ledger.write() as session:
            others = WebSessionRow.user_name == name, WebSessionRow.id_sha256 != keep
            session.execute(delete(WebSessionRow).where(*others))

    def _session(self, row: WebSessionRow) -> WebSession:
        return WebSession(
            id_sha256=row.id_sha256,
            user_name=row.user_name,
            address=row.address,
            created_at=row.created_at,
            seen_at=row.seen_at,
            expires_at=min(row.seen_at + self._idle, row.created_at + self._longest),
        )
