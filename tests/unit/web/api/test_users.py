"""Accounts over the API: what administrators do, as problem details where it cannot be."""

import pytest
from fastapi import FastAPI

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from tests.helpers.people import PASSWORD, Browser
from tests.unit.web.conftest import SignedIn

USERS = "/api/v1/users"
NEW = {"name": "ada", "roles": ["radiologist"], "password": "four green boxes on the quay", "display_name": "Ada"}


@pytest.fixture
def admin(signed_in: SignedIn) -> Browser:
    return signed_in(UserRole.PACS_ADMIN)


def test_an_account_is_made_changed_and_removed(admin: Browser, app: FastAPI) -> None:
    made = admin.request("POST", USERS, json=NEW)
    assert made.status_code == 201
    assert (made.json()["roles"], made.json()["locked"]) == (["radiologist"], False)
    assert "password" not in made.text.replace("has_password", "")
    assert Browser(app).sign_in("ada", NEW["password"]).status_code == 303
    changed = admin.request("PATCH", f"{USERS}/ada", json={"roles": ["auditor", "ai-lead"], "locked": True})
    assert (changed.json()["roles"], changed.json()["locked"]) == (["ai-lead", "auditor"], True)
    assert admin.get(f"{USERS}/ada").json() == changed.json()
    assert "ada" in {account["name"] for account in admin.get(USERS).json()}
    assert admin.request("DELETE", f"{USERS}/ada").status_code == 204
    assert admin.get(f"{USERS}/ada").status_code == 404


def test_another_password_counts_at_once(admin: Browser, app: FastAPI) -> None:
    admin.request("PATCH", f"{USERS}/auditor", json={"password": NEW["password"]})
    assert Browser(app).sign_in("auditor", PASSWORD).status_code == 401
    assert Browser(app).sign_in("auditor", str(NEW["password"])).status_code == 303


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": "pacs-admin"}, 409, "account-refused"),
        ({"password": "password1234"}, 422, "account-password-refused"),
        ({"name": "no name"}, 422, "account"),
    ],
)
def test_what_cannot_be_is_a_problem_with_its_code(
    admin: Browser, change: dict[str, str], status: int, code: str
) -> None:
    answer = admin.request("POST", USERS, json=NEW | change)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"about:blank#{code}"
    assert answer.json()["remedy"]


@pytest.mark.parametrize("wrong", [{"roles": []}, {"roles": ["king"]}, {"unknown": 1}, {"password": "x" * 300}])
def test_what_is_not_understood_is_named_without_its_value(admin: Browser, wrong: dict[str, object]) -> None:
    answer = admin.request("POST", USERS, json=NEW | wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"].startswith(f"body.{next(iter(wrong))}")
    assert "xxx" not in answer.text


def test_the_last_administrator_stays(admin: Browser, node: Appliance) -> None:
    for method, body in (("DELETE", None), ("PATCH", {"locked": True}), ("PATCH", {"roles": ["auditor"]})):
        assert admin.request(method, f"{USERS}/pacs-admin", json=body).status_code == 409
    assert node.users.get("pacs-admin").roles == {UserRole.PACS_ADMIN}


def test_an_auditor_reads_and_does_not_change(signed_in: SignedIn) -> None:
    auditor = signed_in(UserRole.AUDITOR)
    assert auditor.get(USERS).status_code == 200
    assert auditor.request("DELETE", f"{USERS}/ai-lead").status_code == 403
