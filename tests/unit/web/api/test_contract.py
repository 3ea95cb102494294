"""The description of the API: for whoever is signed in, whole, and true in what it says of errors and of who asks."""

import pytest
from fastapi import FastAPI

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission, UserRole
from appliance.web.api.contract import describe
from tests.helpers.people import TEST, Browser, bearer
from tests.unit.web.conftest import SignedIn


def test_the_description_is_for_whoever_is_signed_in(browser: Browser, signed_in: SignedIn) -> None:
    assert browser.get("/api/v1/openapi.json").status_code == 401
    found = signed_in(UserRole.RADIOLOGIST).get("/api/v1/openapi.json").json()
    assert {"/api/v1/me", "/api/v1/users", "/api/v1/users/{name}", "/api/v1/audit"} <= set(found["paths"])
    assert all(path.startswith("/api/v1/") for path in found["paths"])


def test_every_operation_says_what_it_does_and_how_it_fails(app: FastAPI) -> None:
    for path, operations in describe(app)["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            assert {"401", "403", "422", "503"} <= operation["responses"].keys()
            failures = [code for code in operation["responses"] if code.startswith(("4", "5"))]
            assert all("application/problem+json" in operation["responses"][code]["content"] for code in failures)


def test_a_person_and_a_program_are_told_who_they_are(app: FastAPI, signed_in: SignedIn, node: Appliance) -> None:
    me = signed_in(UserRole.AUDITOR).get("/api/v1/me").json()
    assert (me["name"], me["roles"], me["by_token"]) == ("auditor", ["auditor"], False)
    owner = node.users.get("auditor")
    secret = node.token_desk.issue(owner, label="x", permissions=[Permission.AUDIT_READ], days=1, actor=TEST).secret
    program = bearer(app, secret).get("/api/v1/me").json()
    assert (program["name"], program["permissions"], program["by_token"]) == ("auditor", ["audit:read"], True)


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api", "/api/v2/me"])
def test_what_is_not_there_is_a_problem_for_programs_too(browser: Browser, path: str) -> None:
    answer = browser.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
