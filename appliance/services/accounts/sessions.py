"""Signing in and out: from a name and a password to a session, with delays for whoever guesses."""

import hashlib
import math
import secrets
from dataclasses import dataclass
from datetime import timedelta

from appliance.domain.audit import Actor, AuditEntry, AuditKind, Outcome
from appliance.domain.errors import SignInDelayed, SignInRefused
from appliance.services.accounts.passwords import Passwords
from appliance.services.audit import Audit
from appliance.store.sign_in_failures import DelayRule, SignInFailures
from appliance.store.users import User, Users
from appliance.store.web_sessions import WebSession, WebSessions

_ACCOUNT_RULE = DelayRule(free=5)
_ADDRESS_RULE = DelayRule(free=30)
"""Of one address more is borne: a whole department may come from one."""
_LONGEST_SUBJECT = 120


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that has just begun; `identifier` goes into the cookie and is kept nowhere else."""

    user: User
    identifier: str


class SignIn:
    """The one way to a session."""

    def __init__(
        self, users: Users, passwords: Passwords, sessions: WebSessions, failures: SignInFailures, audit: Audit
    ) -> None:
        self._users = users
        self._passwords = passwords
        self._sessions = sessions
        self._failures = failures
        self._audit = audit

    def with_password(self, name: str, password: str, *, address: str) -> SignedIn:
        """Begin a session. Raises SignInRefused, which never says why, or SignInDelayed."""
        name = "".join(filter(str.isprintable, name.strip().casefold()))
        subjects = {f"account:{name}"[:_LONGEST_SUBJECT]: _ACCOUNT_RULE, f"address:{address}": _ADDRESS_RULE}
        self._wait_or_count(subjects)
        kept = self._users.password_hash(name)
        right = self._passwords.verify(kept, password)
        user = self._users.get(name) if right else None
        if user is None or user.locked:
            self._note(AuditKind.SIGN_IN_REFUSED, name, address, Outcome.MINOR_FAILURE)
            raise SignInRefused
        self._failures.succeeded(*subjects)
        if kept and self._passwords.is_dated(kept):
            self._users.rehash(name, self._passwords.hash(password))
        return self.begin(user, address=address)

    def guess(self, subject: str, *, address: str) -> None:
        """Count an attempt at something else that can be guessed, such as the set-up code. Raises SignInDelayed."""
        self._wait_or_count({subject: _ACCOUNT_RULE, f"address:{address}": _ADDRESS_RULE})

    def begin(self, user: User, *, address: str) -> SignedIn:
        """Begin a session for somebody who has proved who it is. Always a new identifier: none can be planted."""
        if user.locked:
            self._note(AuditKind.SIGN_IN_REFUSED, user.name, address, Outcome.MINOR_FAILURE)
            raise SignInRefused
        identifier = secrets.token_urlsafe(32)
        self._sessions.begin(sha256_of(identifier), user_name=user.name, address=address)
        self._users.signed_in(user.name)
        self._note(AuditKind.SIGNED_IN, user.name, address)
        return SignedIn(user, identifier)

    def recognise(self, identifier: str) -> tuple[User, WebSession] | None:
        """Who holds this identifier, unless the session has ended."""
        session = self._sessions.find(sha256_of(identifier))
        if session is None:
            return None
        user = self._users.get(session.user_name)
        return None if user.locked else (user, session)

    def out(self, identifier: str, user: User, *, address: str) -> None:
        """End a session."""
        self._sessions.end(sha256_of(identifier))
        self._note(AuditKind.SIGNED_OUT, user.name, address)

    def forget(self, identifier: str) -> None:
        """End a session that another one takes the place of."""
        self._sessions.end(sha256_of(identifier))

    def _wait_or_count(self, subjects: dict[str, DelayRule]) -> None:
        wait = self._failures.attempt(subjects)
        if wait > timedelta():
            raise SignInDelayed(f"try again in {math.ceil(wait.total_seconds())} seconds")

    def _note(self, kind: AuditKind, name: str, address: str, outcome: Outcome = Outcome.SUCCESS) -> None:
        actor = Actor(name=name, address=address)
        self._audit.record(AuditEntry(kind=kind, actor=actor, outcome=outcome, about=name))


def sha256_of(secret: str) -> str:
    """What is kept of a random secret: its entropy makes a slow hash pointless."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
