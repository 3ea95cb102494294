"""What is done to accounts stands in the audit trail, and nothing is done by halves."""

import pytest

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.audit import AuditKind
from appliance.domain.errors import AccountError, PasswordRefused, UnknownAccount
from appliance.services.accounts.names import account_name
from appliance.store.audit_trail import AuditQuery
from tests.helpers.people import PASSWORD, TEST, add_user

ANOTHER = "four green boxes on the quay"


def kinds(node: Appliance, about: str) -> list[AuditKind]:
    """Oldest first."""
    return [record.kind for record in node.audit.search(AuditQuery(), 50) if record.about == about][::-1]


def test_the_life_of_an_account_is_recorded(node: Appliance) -> None:
    add_user(node, "bob")
    desk = node.account_desk
    desk.set_roles("bob", [UserRole.AUDITOR], actor=TEST)
    desk.set_password("bob", ANOTHER, actor=TEST)
    desk.set_locked("bob", True, actor=TEST)
    desk.set_locked("bob", False, actor=TEST)
    desk.remove("bob", actor=TEST)
    assert kinds(node, "bob") == [
        AuditKind.ACCOUNT_CREATED,
        AuditKind.ROLES_CHANGED,
        AuditKind.PASSWORD_CHANGED,
        AuditKind.ACCOUNT_LOCKED,
        AuditKind.ACCOUNT_UNLOCKED,
        AuditKind.ACCOUNT_REMOVED,
    ]
    changed = node.audit.search(AuditQuery(kind=AuditKind.ROLES_CHANGED), 1)[0]
    assert (changed.actor, changed.detail) == ("test", {"before": "radiologist", "roles": "auditor"})


def test_the_trail_holds_no_password(node: Appliance) -> None:
    node.account_desk.set_password("ada", ANOTHER, actor=TEST)
    assert ANOTHER not in repr(node.audit.search(AuditQuery(), 50))


@pytest.mark.parametrize(("given", "kept"), [(" Ada.L ", "ada.l"), ("x", "x"), ("a@b.org", "a@b.org")])
def test_names_are_kept_without_case(given: str, kept: str) -> None:
    assert account_name(given) == kept


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "<b>", "x" * 65, "ä", "cli:root", "a\n"])
def test_what_is_no_name_is_refused(node: Appliance, name: str) -> None:
    if name == "a\n":
        assert account_name(name) == "a"
        return
    with pytest.raises(AccountError):
        add_user(node, name)


def test_an_account_has_a_role(node: Appliance) -> None:
    with pytest.raises(AccountError):
        node.account_desk.add("bob", roles=[], password=PASSWORD, actor=TEST)
    with pytest.raises(AccountError):
        node.account_desk.set_roles("ada", [], actor=TEST)


def test_one_changes_ones_own_password_by_the_present_one(node: Appliance) -> None:
    ada = node.users.get("ada")
    with pytest.raises(PasswordRefused):
        node.account_desk.change_own_password(ada, "wrong", ANOTHER, keep_session=None, actor=TEST)
    node.account_desk.change_own_password(ada, PASSWORD, ANOTHER, keep_session=None, actor=TEST)
    assert node.sign_in.with_password("ada", ANOTHER, address="x").user.name == "ada"


def test_a_weak_password_changes_nothing(node: Appliance) -> None:
    with pytest.raises(PasswordRefused):
        node.account_desk.set_password("ada", "password1234", actor=TEST)
    assert node.sign_in.with_password("ada", PASSWORD, address="x").user.name == "ada"
    assert AuditKind.PASSWORD_CHANGED not in kinds(node, "ada")


def test_an_account_that_is_not_there_is_said_to_be_so(node: Appliance) -> None:
    with pytest.raises(UnknownAccount):
        node.account_desk.set_password("bob", ANOTHER, actor=TEST)
