"""Tokens: a part of what their owner may, for a while, and never the account itself."""

import pytest

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission, UserRole
from appliance.domain.errors import AccountError, NotPermitted
from appliance.services.accounts.tokens import PREFIX, IssuedToken
from tests.helpers.people import TEST, add_user


def issue(node: Appliance, *permissions: Permission, label: str = "ct", days: int = 9) -> IssuedToken:
    return node.token_desk.issue(node.users.get("ada"), label=label, permissions=permissions, days=days, actor=TEST)


def test_a_token_speaks_for_its_owner_within_its_permissions(node: Appliance) -> None:
    issued = issue(node, Permission.STORE)
    holder = node.token_desk.recognise(issued.secret)
    assert holder is not None
    assert (holder.user.name, holder.permissions) == ("ada", {Permission.STORE})
    assert issued.secret.startswith(PREFIX)


def test_it_loses_what_its_owner_loses(node: Appliance) -> None:
    add_user(node, "boss", UserRole.PACS_ADMIN)
    secret = issue(node, Permission.STORE, Permission.STUDIES_READ).secret
    node.account_desk.set_roles("ada", [UserRole.AI_LEAD], actor=TEST)
    holder = node.token_desk.recognise(secret)
    assert holder is not None
    assert holder.permissions == {Permission.STUDIES_READ}
    node.account_desk.set_locked("ada", True, actor=TEST)
    assert node.token_desk.recognise(secret) is None


@pytest.mark.parametrize("permission", [Permission.ACCOUNT, Permission.MODELS_MANAGE])
def test_nobody_gives_a_token_more_than_it_may_have(node: Appliance, permission: Permission) -> None:
    with pytest.raises(NotPermitted):
        issue(node, Permission.STORE, permission)
    assert node.api_tokens.of_user("ada") == ()


@pytest.mark.parametrize(
    "wrong", [{"label": ""}, {"label": "x" * 65}, {"label": "a\x00b"}, {"days": 0}, {"days": 367}, {"permissions": ()}]
)
def test_a_token_has_a_label_an_end_and_a_use(node: Appliance, wrong: dict[str, object]) -> None:
    given = {"label": "ct", "days": 9, "permissions": (Permission.STORE,)} | wrong
    with pytest.raises(AccountError):
        node.token_desk.issue(node.users.get("ada"), **given, actor=TEST)  # type: ignore[arg-type]


def test_what_is_revoked_or_made_up_is_no_token(node: Appliance) -> None:
    issued = issue(node, Permission.STORE)
    node.token_desk.revoke("ada", issued.token.number, actor=TEST)
    for secret in (issued.secret, "", PREFIX, PREFIX + "made-up"):
        assert node.token_desk.recognise(secret) is None
