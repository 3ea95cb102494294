"""No route starts without a door; who is refused is told so, and that stands in the audit trail."""

from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission, UserRole
from appliance.domain.audit import AuditKind
from appliance.store.audit_trail import AuditQuery
from appliance.web.security.guard import open_to_all, refuse_unguarded, requires
from appliance.web.security.visitor import Visitor
from tests.helpers.people import TEST, Browser, bearer
from tests.unit.web.conftest import SignedIn

router = APIRouter(prefix="/made-up")


@router.post("/manage/{name}")
def manage(name: str, visitor: Annotated[Visitor, requires(Permission.USERS_MANAGE)]) -> dict[str, str]:
    return {"who": visitor.actor.name, "name": name}


@pytest.fixture(autouse=True)
def _with_a_made_up_route(app: FastAPI) -> None:
    app.include_router(router)


def test_a_route_without_a_door_does_not_start() -> None:
    inner, outer, app = APIRouter(), APIRouter(), FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    inner.add_api_route("/open", manage)
    outer.include_router(inner)
    app.include_router(outer, prefix="/deep")
    refuse_unguarded(app.routes, mounts=())
    inner.add_api_route("/careless", lambda: "everything")
    with pytest.raises(RuntimeError, match="/deep/careless"):
        refuse_unguarded(app.routes, mounts=())


@pytest.mark.parametrize("route", [Route("/plain", PlainTextResponse), Mount("/files", PlainTextResponse("x"))])
def test_what_is_no_api_route_does_not_start_unless_it_is_known(route: Route | Mount) -> None:
    with pytest.raises(RuntimeError):
        refuse_unguarded([route], mounts=["/static"])
    if isinstance(route, Mount):
        refuse_unguarded([route], mounts=["/files"])


def test_who_has_the_permission_passes(signed_in: SignedIn) -> None:
    answer = signed_in(UserRole.PACS_ADMIN).post("/made-up/manage/x")
    assert answer.json() == {"who": "pacs-admin", "name": "x"}


@pytest.mark.parametrize("role", [UserRole.RADIOLOGIST, UserRole.AI_LEAD, UserRole.AUDITOR])
def test_who_has_it_not_is_refused_and_recorded_without_what_was_asked_for(
    signed_in: SignedIn, node: Appliance, role: UserRole
) -> None:
    answer = signed_in(role).post("/made-up/manage/secret-name")
    assert answer.status_code == 403
    assert "access-not-permitted" in answer.text
    record = node.audit.search(AuditQuery(kind=AuditKind.ACCESS_REFUSED), 5)[0]
    assert (record.actor, record.about) == (str(role), "/made-up/manage/{name}")
    assert record.detail == {"permission": "users:manage", "method": "POST"}


def test_nobody_is_sent_to_sign_in_or_told_so(browser: Browser) -> None:
    assert browser.post("/made-up/manage/x").headers["Location"] == "/login"
    program = browser.request("POST", "/made-up/manage/x", headers={"Accept": "application/json"})
    assert (program.status_code, program.headers["WWW-Authenticate"]) == (401, "Bearer")
    part = browser.request("POST", "/made-up/manage/x", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (401, "/login")


def test_a_token_passes_within_its_permissions_and_is_named(app: FastAPI, node: Appliance) -> None:
    admin = node.users.get("pacs-admin")
    may, may_not = (
        node.token_desk.issue(admin, label="x", permissions=[permission], days=1, actor=TEST)
        for permission in (Permission.USERS_MANAGE, Permission.USERS_READ)
    )
    answer = bearer(app, may.secret).post("/made-up/manage/x")
    assert answer.json()["who"] == f"pacs-admin/{may.token.number}"
    assert bearer(app, may_not.secret).post("/made-up/manage/x").status_code == 403


def test_a_wrong_token_counts_even_beside_a_good_cookie(signed_in: SignedIn) -> None:
    browser = signed_in(UserRole.PACS_ADMIN)
    for value in ("Bearer appl_wrong", "Basic YWRhOng=", "", "Bearer"):
        answer = browser.request("POST", "/made-up/manage/x", headers={"Authorization": value})
        assert answer.status_code in (303, 401), value


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": None, "Origin": "http://evil.example"},
        {"Sec-Fetch-Site": None, "Origin": "null"},
        {"Sec-Fetch-Site": None, "Origin": "http://appliance.evil.example"},
        {"Sec-Fetch-Site": None},
    ],
)
@pytest.mark.parametrize("path", ["/made-up/manage/x", "/login", "/logout"])
def test_what_other_sites_make_up_is_refused(signed_in: SignedIn, path: str, headers: dict[str, str | None]) -> None:
    browser = signed_in(UserRole.PACS_ADMIN)
    browser.headers = {name: value for name, value in (browser.headers | headers).items() if value is not None}
    answer = browser.post(path, name="pacs-admin", password="x")
    assert answer.status_code == 403
    assert "access-request-forged" in answer.text


def test_without_fetch_metadata_the_origin_of_our_own_pages_is_enough(signed_in: SignedIn) -> None:
    browser = signed_in(UserRole.PACS_ADMIN)
    del browser.headers["Sec-Fetch-Site"]
    browser.headers["Origin"] = "http://appliance"
    assert browser.post("/made-up/manage/x").status_code == 200


def test_an_open_door_says_why() -> None:
    assert open_to_all("a reason").dependency.reason == "a reason"
