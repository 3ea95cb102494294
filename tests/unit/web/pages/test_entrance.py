"""Coming in: set-up while there is no account, then signing in; never led elsewhere; going out ends the session."""

import pytest
from fastapi import FastAPI

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from tests.helpers.people import PASSWORD, Browser, web_app
from tests.unit.web.conftest import SignedIn

COOKIE = "appliance-session"


@pytest.fixture
def new(node: Appliance) -> Browser:
    """At an appliance without accounts."""
    return Browser(web_app(node))


def setup_form(node: Appliance, **changes: str) -> dict[str, str]:
    form = {"code": node.first_account.code, "name": "ada", "shown": "Ada", "password": PASSWORD, "again": PASSWORD}
    return form | changes


@pytest.mark.parametrize("path", ["/", "/login"])
def test_without_an_account_every_way_in_leads_to_the_set_up(new: Browser, path: str) -> None:
    assert new.get(path).headers["Location"] == "/setup"
    assert "One-time code" in new.get("/setup").text


def test_the_set_up_makes_the_first_account_and_is_then_gone(new: Browser, node: Appliance) -> None:
    answer = new.post("/setup", **setup_form(node))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/worklist")
    assert "Ada" in new.get("/account").text
    assert new.get("/setup").status_code == 404
    assert new.post("/setup", **setup_form(node)).status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"code": "wrong"}, 401, "access-sign-in-refused"),
        ({"password": "short", "again": "short"}, 422, "account-password-refused"),
        ({"again": "another"}, 422, "account"),
        ({"name": "no name!"}, 422, "account"),
    ],
)
def test_what_is_wrong_in_the_set_up_is_said_and_what_was_right_is_kept(
    new: Browser, node: Appliance, change: dict[str, str], status: int, code: str
) -> None:
    answer = new.post("/setup", **setup_form(node, **change))
    assert answer.status_code == status
    assert f"<code>{code}</code>" in answer.text
    assert 'value="Ada"' in answer.text
    assert PASSWORD not in answer.text
    assert not node.users.any()


def test_signing_in_leads_to_where_one_wanted_to_go(browser: Browser) -> None:
    wanted = browser.get("/account?done=token")
    assert wanted.headers["Location"] == "/login?next=/account%3Fdone%3Dtoken"
    assert 'value="/account?done=token"' in browser.get(wanted.headers["Location"]).text
    answer = browser.post("/login", name="auditor", password=PASSWORD, next="/account?done=token")
    assert answer.headers["Location"] == "/account?done=token"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "javascript:alert(1)", "/\n/evil"],
)
def test_nobody_is_led_elsewhere(browser: Browser, elsewhere: str) -> None:
    answer = browser.post("/login", name="auditor", password=PASSWORD, next=elsewhere)
    assert answer.headers["Location"] == "/account"


def test_a_wrong_password_is_refused_on_the_page_without_a_cookie(browser: Browser) -> None:
    answer = browser.sign_in("auditor", "wrong")
    assert answer.status_code == 401
    assert "access-sign-in-refused" in answer.text
    assert "Set-Cookie" not in answer.headers
    for _ in range(5):
        answer = browser.sign_in("auditor", "wrong")
    assert answer.status_code == 429
    assert "seconds" in answer.text


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(browser: Browser) -> None:
    cookie = browser.sign_in("auditor").headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"httponly", "samesite=lax", "path=/"} <= set(cookie.lower().split("; "))
    assert "domain" not in cookie.lower()


def test_with_tls_the_cookie_is_bound_to_the_host(app: FastAPI) -> None:
    browser = Browser(app, scheme="https")
    cookie = browser.sign_in("auditor").headers["Set-Cookie"]
    assert cookie.startswith(f"__Host-{COOKIE}=")
    assert "secure" in cookie.lower()
    assert browser.get("/account").status_code == 200
    assert "max-age" in browser.get("/account").headers["Strict-Transport-Security"]


def test_a_planted_identifier_is_worth_nothing(browser: Browser) -> None:
    browser.cookies.set(COOKIE, "planted")
    browser.sign_in("auditor")
    assert browser.cookies.get(COOKIE, domain="appliance.local") != "planted"
    assert "planted" not in str(list(browser.cookies.jar)[-1].value)


def test_signing_in_again_ends_the_session_before(browser: Browser, node: Appliance) -> None:
    for _ in range(3):
        browser.sign_in("auditor")
    assert len(node.web_sessions.of_user("auditor")) == 1


def test_signing_out_ends_the_session_itself_not_only_the_cookie(signed_in: SignedIn) -> None:
    browser = signed_in(UserRole.AUDITOR)
    kept = dict(browser.cookies)
    assert browser.post("/logout").headers["Location"] == "/login"
    for name, value in kept.items():
        browser.cookies.set(name, value)
    assert browser.get("/account").status_code == 303
