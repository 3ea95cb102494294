"""Accounts, for whoever administers them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from appliance.domain.access import Permission, UserRole
from appliance.services.accounts.passwords import MOST_LENGTH
from appliance.store.users import User
from appliance.web.api.contract import NO_NUL, Answer
from appliance.web.node import Node
from appliance.web.security.guard import requires
from appliance.web.security.visitor import Visitor

router = APIRouter(prefix="/users", tags=["users"])

Reader = Annotated[Visitor, requires(Permission.USERS_READ)]
Manager = Annotated[Visitor, requires(Permission.USERS_MANAGE)]
_Name = Annotated[str, Path(max_length=64, pattern=NO_NUL)]
_Password = Annotated[str, Field(max_length=MOST_LENGTH)]
_Roles = Annotated[list[UserRole], Field(min_length=1, max_length=len(UserRole))]


class Account(Answer):
    """An account, without anything secret."""

    name: str
    display_name: str
    roles: list[UserRole]
    locked: bool
    has_password: bool
    created_at: datetime
    signed_in_at: datetime | None


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NewAccount(_Given):
    """What an account is made of."""

    name: Annotated[str, Field(max_length=64)]
    roles: _Roles
    password: _Password
    display_name: Annotated[str, Field(max_length=128)] = ""


class Change(_Given):
    """What is to be different; what is not named stays."""

    roles: _Roles | None = None
    locked: bool | None = None
    password: _Password | None = None


@router.get("")
def accounts(node: Node, _: Reader) -> list[Account]:
    """Every account."""
    return [_account(user) for user in node.users.all()]


@router.get("/{name}")
def account(node: Node, _: Reader, name: _Name) -> Account:
    """One account."""
    return _account(node.users.get(name))


@router.post("", status_code=201)
def add(node: Node, visitor: Manager, given: NewAccount) -> Account:
    """Make an account that signs in with a password."""
    user = node.account_desk.add(
        given.name, roles=given.roles, password=given.password, shown=given.display_name, actor=visitor.actor
    )
    return _account(user)


@router.patch("/{name}")
def change(node: Node, visitor: Manager, name: _Name, given: Change) -> Account:
    """Change roles, lock or unlock, set another password."""
    node.users.get(name)
    if given.password is not None:
        node.account_desk.set_password(name, given.password, actor=visitor.actor)
    if given.roles is not None:
        node.account_desk.set_roles(name, given.roles, actor=visitor.actor)
    if given.locked is not None:
        node.account_desk.set_locked(name, given.locked, actor=visitor.actor)
    return _account(node.users.get(name))


@router.delete("/{name}", status_code=204)
def remove(node: Node, visitor: Manager, name: _Name) -> None:
    """Remove an account with its sessions and tokens."""
    node.account_desk.remove(name, actor=visitor.actor)


def _account(user: User) -> Account:
    return Account(
        name=user.name,
        display_name=user.display_name,
        roles=sorted(user.roles),
        locked=user.locked,
        has_password=user.has_password,
        created_at=user.created_at,
        signed_in_at=user.signed_in_at,
    )
