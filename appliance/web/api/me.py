"""Who asks, and what they may."""

from typing import Annotated

from fastapi import APIRouter

from appliance.domain.access import Permission, UserRole
from appliance.web.api.contract import Answer
from appliance.web.security.guard import signed_in
from appliance.web.security.visitor import Visitor

router = APIRouter(tags=["account"])


class Me(Answer):
    """The account behind a session or a token. permissions: of this session or token, which may be fewer."""

    name: str
    display_name: str
    roles: list[UserRole]
    permissions: list[Permission]
    by_token: bool


@router.get("/me")
def me(visitor: Annotated[Visitor, signed_in()]) -> Me:
    """Who you are."""
    return Me(
        name=visitor.user.name,
        display_name=visitor.user.display_name,
        roles=sorted(visitor.user.roles),
        permissions=sorted(visitor.permissions),
        by_token=visitor.token is not None,
    )
