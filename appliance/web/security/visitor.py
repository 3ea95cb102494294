"""Who asks: a person by the session of the browser, or a program by its token."""

from dataclasses import dataclass

from fastapi import Request

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission
from appliance.domain.audit import Actor
from appliance.domain.errors import NotSignedIn
from appliance.store.api_tokens import ApiToken
from appliance.store.users import User
from appliance.store.web_sessions import WebSession
from appliance.web.security.addresses import address_of
from appliance.web.security.cookies import session_identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who is known. Either `session` or `token` says how."""

    user: User
    permissions: frozenset[Permission]
    address: str
    session: WebSession | None = None
    token: ApiToken | None = None

    def may(self, permission: Permission) -> bool:
        """Whether this visitor has the permission."""
        return permission in self.permissions

    @property
    def actor(self) -> Actor:
        """As the audit trail names the visitor; a token by its number behind its owner."""
        name = f"{self.user.name}/{self.token.number}" if self.token else self.user.name
        return Actor(name=name, address=self.address)


def recognise(request: Request, node: Appliance) -> Visitor:
    """Who asks. A token that is sent counts alone, right or wrong. Raises NotSignedIn."""
    address = address_of(request)
    authorization = request.headers.get("authorization")
    if authorization is not None:
        return _by_token(authorization, node, address)
    identifier = session_identifier(request)
    found = node.sign_in.recognise(identifier) if identifier else None
    if found is None:
        raise NotSignedIn
    user, session = found
    return Visitor(user=user, permissions=user.permissions, address=address, session=session)


def _by_token(authorization: str, node: Appliance, address: str) -> Visitor:
    scheme, _, secret = authorization.partition(" ")
    holder = node.token_desk.recognise(secret) if scheme.lower() == "bearer" else None
    if holder is None:
        raise NotSignedIn
    return Visitor(user=holder.user, permissions=holder.permissions, address=address, token=holder.token)
