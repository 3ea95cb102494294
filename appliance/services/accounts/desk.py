"""Making, changing and removing accounts; each change stands in the audit trail."""

from collections.abc import Iterable

from appliance.domain.access import UserRole
from appliance.domain.audit import Actor, AuditEntry, AuditKind
from appliance.domain.errors import AccountError, PasswordRefused
from appliance.services.accounts.names import account_name, display_name
from appliance.services.accounts.passwords import Passwords, refuse_weak
from appliance.services.audit import Audit
from appliance.store.users import User, Users

THEMES = ("auto", "light", "dark")


class AccountDesk:
    """What administrators do with accounts, and people with their own."""

    def __init__(self, users: Users, passwords: Passwords, audit: Audit) -> None:
        self._users = users
        self._passwords = passwords
        self._audit = audit

    def add(
        self,
        name: str,
        *,
        roles: Iterable[UserRole],
        password: str,
        shown: str = "",
        actor: Actor,
        first: bool = False,
    ) -> User:
        """A new account that signs in with a password. Raises AccountError, AccountRefused, PasswordRefused."""
        name = account_name(name)
        shown = display_name(shown, name)
        refuse_weak(password, names=(name, shown))
        chosen = _some(roles)
        hashed = self._passwords.hash(password)
        user = self._users.add(name, display_name=shown, roles=chosen, password_hash=hashed, first=first)
        self._note(AuditKind.ACCOUNT_CREATED, actor, name, roles=_listed(chosen))
        return user

    def set_password(self, name: str, password: str, *, actor: Actor) -> None:
        """Another password, set by an administrator; every session of the account ends.

        Raises UnknownAccount, PasswordRefused.
        """
        user = self._users.get(name)
        refuse_weak(password, names=(user.name, user.display_name))
        self._users.set_password_hash(name, self._passwords.hash(password))
        self._note(AuditKind.PASSWORD_CHANGED, actor, name)

    def change_own_password(self, user: User, old: str, new: str, *, keep_session: str | None, actor: Actor) -> None:
        """Another password for oneself; every other session ends. Raises PasswordRefused."""
        if not self._passwords.verify(self._users.password_hash(user.name), old):
            raise PasswordRefused("the present password is another one")
        refuse_weak(new, names=(user.name, user.display_name))
        self._users.set_password_hash(user.name, self._passwords.hash(new), keep_session=keep_session)
        self._note(AuditKind.PASSWORD_CHANGED, actor, user.name)

    def set_roles(self, name: str, roles: Iterable[UserRole], *, actor: Actor) -> User:
        """Other roles. Raises UnknownAccount, AccountError, AccountRefused."""
        chosen = _some(roles)
        before = self._users.get(name).roles
        user = self._users.set_roles(name, chosen)
        self._note(AuditKind.ROLES_CHANGED, actor, name, before=_listed(before), roles=_listed(chosen))
        return user

    def set_locked(self, name: str, locked: bool, *, actor: Actor) -> None:
        """Lock or unlock. Raises UnknownAccount, AccountRefused."""
        self._users.set_locked(name, locked)
        self._note(AuditKind.ACCOUNT_LOCKED if locked else AuditKind.ACCOUNT_UNLOCKED, actor, name)

    def remove(self, name: str, *, actor: Actor) -> None:
        """Take an account out. Raises UnknownAccount, AccountRefused."""
        self._users.remove(name)
        self._note(AuditKind.ACCOUNT_REMOVED, actor, name)

    def _note(self, kind: AuditKind, actor: Actor, about: str, **detail: str) -> None:
        self._audit.record(AuditEntry(kind=kind, actor=actor, about=about, detail=detail))


def _some(roles: Iterable[UserRole]) -> frozenset[UserRole]:
    chosen = frozenset(roles)
    if not chosen:
        raise AccountError(f"an account has at least one role: {', '.join(UserRole)}")
    return chosen


def _listed(roles: Iterable[UserRole]) -> str:
    return ", ".join(sorted(roles))
