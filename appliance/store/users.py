"""Accounts: who may sign in, and as what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from appliance.domain.access import Permission, UserRole, permissions_of
from appliance.domain.errors import AccountRefused, UnknownAccount
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import UserRow, WebSessionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. language: "" where the browser decides; theme: auto, light or dark.

    has_password: whether it can sign in here; subject: at which OpenID provider, and as whom, it signs in.
    """

    name: str
    display_name: str
    roles: frozenset[UserRole]
    locked: bool = False
    language: str = ""
    theme: str = "auto"
    has_password: bool = True
    subject: str | None = None
    created_at: datetime
    password_changed_at: datetime | None = None
    signed_in_at: datetime | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        """What the roles allow."""
        return permissions_of(self.roles)


class Users:
    """The accounts of the ledger. No operation may leave it without anybody who can administer accounts."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def any(self) -> bool:
        """Whether there is an account at all."""
        with self._ledger.read() as session:
            return session.scalar(select(UserRow.name).limit(1)) is not None

    def all(self) -> tuple[User, ...]:
        """Every account by name."""
        with self._ledger.read() as session:
            return tuple(_user(row) for row in session.scalars(select(UserRow).order_by(UserRow.name)))

    def get(self, name: str) -> User:
        """One account. Raises UnknownAccount."""
        with self._ledger.read() as session:
            return _user(_row(session, name))

    def by_subject(self, subject: str) -> User | None:
        """The account of somebody at an OpenID provider."""
        with self._ledger.read() as session:
            row = session.scalar(select(UserRow).where(UserRow.subject == subject))
            return None if row is None else _user(row)

    def password_hash(self, name: str) -> str | None:
        """The hash to verify a password against; None where there is no such account, or none with a password."""
        with self._ledger.read() as session:
            row = session.get(UserRow, name)
            return row.password_hash or None if row is not None else None

    @retried
    def add(
        self,
        name: str,
        *,
        display_name: str,
        roles: Iterable[UserRole],
        password_hash: str = "",
        subject: str | None = None,
        first: bool = False,
    ) -> User:
        """A new account. first: only if there is none yet. Raises AccountRefused."""
        now = self._clock()
        row = UserRow(
            name=name,
            display_name=display_name,
            roles=sorted(roles),
            password_hash=password_hash,
            subject=subject,
            locked=False,
            language="",
            theme="auto",
            created_at=now,
            password_changed_at=now if password_hash else None,
            signed_in_at=None,
        )
        with self._ledger.write() as session:
            if first and session.scalar(select(func.count()).select_from(UserRow)):
                raise AccountRefused("there is an account already", where=name)
            if session.get(UserRow, name) is not None:
                raise AccountRefused("the name is taken", where=name)
            session.add(row)
            session.flush()
            return _user(row)

    @retried
    def set_password_hash(self, name: str, password_hash: str, *, keep_session: str | None = None) -> None:
        """Another password; every session but the one named ends. Raises UnknownAccount."""
        with self._ledger.write() as session:
            row = _row(session, name)
            row.password_hash, row.password_changed_at = password_hash, self._clock()
            _end_sessions(session, name, keep=keep_session)

    @retried
    def rehash(self, name: str, password_hash: str) -> None:
        """The same password under newer parameters."""
        with self._ledger.write() as session:
            _row(session, name).password_hash = password_hash

    @retried
    def set_roles(self, name: str, roles: Iterable[UserRole], display_name: str | None = None) -> User:
        """Other roles, at once for every session and token. Raises UnknownAccount, AccountRefused."""
        with self._ledger.write() as session:
            row = _row(session, name)
            row.roles = sorted(roles)
            row.display_name = row.display_name if display_name is None else display_name
            _refuse_without_administrator(session)
            return _user(row)

    @retried
    def set_locked(self, name: str, locked: bool) -> None:
        """Lock, which ends every session, or unlock. Raises UnknownAccount, AccountRefused."""
        with self._ledger.write() as session:
            _row(session, name).locked = locked
            if locked:
                _end_sessions(session, name)
                _refuse_without_administrator(session)

    @retried
    def set_appearance(self, name: str, *, language: str | None = None, theme: str | None = None) -> None:
        """How pages look to this account; None leaves as it is. Raises UnknownAccount."""
        with self._ledger.write() as session:
            row = _row(session, name)
            row.language = row.language if language is None else language
            row.theme = row.theme if theme is None else theme

    @retried
    def signed_in(self, name: str) -> None:
        """Note the moment of signing in."""
        with self._ledger.write() as session:
            _row(session, name).signed_in_at = self._clock()

    @retried
    def remove(self, name: str) -> None:
        """Take the account out, with its sessions and tokens. Raises UnknownAccount, AccountRefused."""
        with self._ledger.write() as session:
            session.delete(_row(session, name))
            session.flush()
            _refuse_without_administrator(session)


def _row(session: Session, name: str) -> UserRow:
    row = session.get(UserRow, name)
    if row is None:
        raise UnknownAccount(where=name)
    return row


def _end_sessions(session: Session, name: str, keep: str | None = None) -> None:
    statement = delete(WebSessionRow).where(WebSessionRow.user_name == name)
    session.execute(statement if keep is None else statement.where(WebSessionRow.id_sha256 != keep))


def _refuse_without_administrator(session: Session) -> None:
    session.flush()
    left = session.scalars(select(UserRow).where(UserRow.locked.is_(False)))
    if not any(Permission.USERS_MANAGE in _user(row).permissions for row in left):
        raise AccountRefused("nobody would be left who can administer accounts")


def _user(row: UserRow) -> User:
    return User(
        name=row.name,
        display_name=row.display_name,
        roles=frozenset(UserRole(role) for role in row.roles),
        locked=row.locked,
        language=row.language,
        theme=row.theme,
        has_password=bool(row.password_hash),
        subject=row.subject,
        created_at=row.created_at,
        password_changed_at=row.password_changed_at,
        signed_in_at=row.signed_in_at,
    )
