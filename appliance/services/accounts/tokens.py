"""Tokens for programs: a part of what their owner may do, for a while."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from appliance.domain.access import Permission
from appliance.domain.audit import Actor, AuditEntry, AuditKind
from appliance.domain.errors import AccountError, NotPermitted
from appliance.services.accounts.sessions import sha256_of
from appliance.services.audit import Audit
from appliance.store.api_tokens import ApiToken, ApiTokens
from appliance.store.users import User, Users

PREFIX = "appl_"
"""So that a token that leaked into a file is found by whoever searches for such things."""
LONGEST_DAYS = 366
_LONGEST_LABEL = 64
_MOST = 50


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token; `secret` is shown once."""

    token: ApiToken
    secret: str


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Whom a token speaks for, and what it allows now: what it was made for and its owner still may."""

    user: User
    token: ApiToken
    permissions: frozenset[Permission]


def grantable(owner: User) -> frozenset[Permission]:
    """What a token of `owner` may have: not the account itself, or a token could make itself a stronger one."""
    return owner.permissions - {Permission.ACCOUNT}


class TokenDesk:
    """Issues, recognises and revokes."""

    def __init__(self, tokens: ApiTokens, users: Users, audit: Audit) -> None:
        self._tokens = tokens
        self._users = users
        self._audit = audit

    def issue(
        self, owner: User, *, label: str, permissions: Iterable[Permission], days: int, actor: Actor
    ) -> IssuedToken:
        """A token of `owner`. Raises AccountError, NotPermitted where the owner may not do that much."""
        asked = frozenset(permissions)
        label = " ".join(label.split())
        if not label or len(label) > _LONGEST_LABEL or not label.isprintable():
            raise AccountError(f"a token has a label of at most {_LONGEST_LABEL} characters")
        if not asked:
            raise AccountError("a token without any permission is of no use")
        if not 1 <= days <= LONGEST_DAYS:
            raise AccountError(f"a token lasts between 1 and {LONGEST_DAYS} days")
        if beyond := asked - grantable(owner):
            raise NotPermitted(f"a token of this account cannot have: {', '.join(sorted(beyond))}", where=owner.name)
        if len(self._tokens.of_user(owner.name)) >= _MOST:
            raise AccountError(f"an account has at most {_MOST} tokens; revoke one that is not used")
        secret = PREFIX + secrets.token_urlsafe(32)
        token = self._tokens.add(
            secrets.token_hex(6),
            user_name=owner.name,
            label=label,
            token_sha256=sha256_of(secret),
            permissions=asked,
            lasts=timedelta(days=days),
        )
        detail: dict[str, str | int] = {"label": label, "permissions": ", ".join(sorted(asked)), "days": days}
        self._note(AuditKind.TOKEN_ISSUED, actor, token, detail)
        return IssuedToken(token, secret)

    def recognise(self, secret: str) -> TokenHolder | None:
        """Whom it speaks for; None if it is none, has expired or its owner is locked."""
        token = self._tokens.find(sha256_of(secret)) if secret.startswith(PREFIX) else None
        if token is None:
            return None
        user = self._users.get(token.user_name)
        return None if user.locked else TokenHolder(user, token, token.permissions & user.permissions)

    def revoke(self, owner: str, number: str, *, actor: Actor) -> None:
        """Revoke a token of `owner`. Raises UnknownToken."""
        token = self._tokens.remove(number, user_name=owner)
        self._note(AuditKind.TOKEN_REVOKED, actor, token, {"label": token.label})

    def _note(self, kind: AuditKind, actor: Actor, token: ApiToken, detail: dict[str, str | int]) -> None:
        entry = AuditEntry(kind=kind, actor=actor, about=f"{token.user_name}/{token.number}", detail=detail)
        self._audit.record(entry)
