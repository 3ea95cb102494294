"""Accounts of people whom an OpenID provider vouches for: made at the first sign-in, with the roles that it says."""

from collections.abc import Mapping
from typing import Any

from appliance.domain.access import UserRole
from appliance.domain.audit import Actor, AuditEntry, AuditKind
from appliance.domain.errors import AccountError, AccountRefused, OpenIdRefused
from appliance.services.accounts.names import account_name, display_name
from appliance.services.audit import Audit
from appliance.settings import OpenIdSettings
from appliance.store.users import User, Users


class ForeignAccounts:
    """From claims to an account. An account is known by issuer and `sub`, which never change, not by its name."""

    def __init__(self, users: Users, audit: Audit, settings: OpenIdSettings) -> None:
        self._users = users
        self._audit = audit
        self._settings = settings

    def account_for(self, claims: Mapping[str, Any], *, address: str) -> User:
        """The account of whoever the claims speak of, with the roles that they give now.

        Raises OpenIdRefused for somebody without any role here, AccountRefused where the name is another account's.
        """
        roles = self._roles(claims)
        if not roles:
            raise OpenIdRefused(f"no value of the claim {self._settings.roles_claim} stands for a role here")
        subject = f"{self._settings.issuer}#{claims['sub']}"
        user = self._users.by_subject(subject)
        if user is None:
            return self._new(subject, roles, claims, address)
        if user.roles == roles:
            return user
        detail = {"before": ", ".join(sorted(user.roles)), "roles": ", ".join(sorted(roles))}
        changed = self._users.set_roles(user.name, roles)
        self._note(AuditKind.ROLES_CHANGED, user.name, address, detail)
        return changed

    def _new(self, subject: str, roles: frozenset[UserRole], claims: Mapping[str, Any], address: str) -> User:
        try:
            name = account_name(str(claims.get(self._settings.name_claim, "")))
            shown = display_name(str(claims.get("name") or ""), name)
        except AccountError as error:
            raise OpenIdRefused(f"the claim {self._settings.name_claim} is no name for an account") from error
        try:
            user = self._users.add(name, display_name=shown, roles=roles, subject=subject)
        except AccountRefused as error:
            raise AccountRefused("another account has this name; it has to be removed first", where=name) from error
        self._note(AuditKind.ACCOUNT_CREATED, name, address, {"roles": ", ".join(sorted(roles))})
        return user

    def _roles(self, claims: Mapping[str, Any]) -> frozenset[UserRole]:
        given = claims.get(self._settings.roles_claim, ())
        values = [given] if isinstance(given, str) else given if isinstance(given, (list, tuple)) else []
        table = self._settings.roles
        return frozenset(table[value] for value in values if isinstance(value, str) and value in table)

    def _note(self, kind: AuditKind, name: str, address: str, detail: dict[str, str]) -> None:
        actor = Actor(name=name, address=address)
        self._audit.record(AuditEntry(kind=kind, actor=actor, about=name, detail=detail | {"by": "OpenID provider"}))
