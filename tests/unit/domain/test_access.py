"""The table of permissions keeps patients to those who treat and those who run the archive."""

import pytest

from appliance.domain.access import PERMISSIONS, Permission, UserRole, permissions_of

PATIENT = {Permission.PATIENTS_READ, Permission.DICOM_READ}


def test_every_role_is_in_the_table_and_has_its_own_account() -> None:
    assert set(PERMISSIONS) == set(UserRole)
    assert all(Permission.ACCOUNT in allowed for allowed in PERMISSIONS.values())


def test_every_permission_belongs_to_some_role() -> None:
    assert permissions_of(UserRole) == set(Permission)


@pytest.mark.parametrize("role", [UserRole.AI_LEAD, UserRole.AUDITOR])
def test_who_has_no_patients_sees_none(role: UserRole) -> None:
    assert not PERMISSIONS[role] & PATIENT


def test_an_auditor_changes_nothing() -> None:
    others = {item for item in PERMISSIONS[UserRole.AUDITOR] if not item.endswith(":read")}
    assert others == {Permission.ACCOUNT}


def test_only_the_administrator_of_the_archive_makes_accounts() -> None:
    assert [role for role in UserRole if Permission.USERS_MANAGE in PERMISSIONS[role]] == [UserRole.PACS_ADMIN]


def test_several_roles_add_up_and_none_is_nothing() -> None:
    both = permissions_of([UserRole.AI_LEAD, UserRole.AUDITOR])
    assert both == PERMISSIONS[UserRole.AI_LEAD] | PERMISSIONS[UserRole.AUDITOR]
    assert permissions_of([]) == frozenset()


def test_the_table_cannot_be_changed_at_run_time() -> None:
    with pytest.raises(TypeError):
        PERMISSIONS[UserRole.AUDITOR] = frozenset(Permission)  # type: ignore[index]
