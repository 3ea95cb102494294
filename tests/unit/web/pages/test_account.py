"""One's own account: what is changed there counts at once, and for oneself alone."""

import re

import pytest

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from tests.helpers.people import PASSWORD, Browser, bearer
from tests.unit.web.conftest import SignedIn

ANOTHER = "four green boxes on the quay"


@pytest.fixture
def browser(signed_in: SignedIn) -> Browser:
    """Of an auditor."""
    return signed_in(UserRole.AUDITOR)


def test_language_and_theme_are_remembered_on_the_account(browser: Browser) -> None:
    browser.post("/account/appearance", language="de", theme="dark")
    page = browser.get("/account").text
    assert '<html lang="de" data-theme="dark">' in page
    assert "Darstellung" in page


def test_the_switch_changes_the_theme_alone(browser: Browser) -> None:
    assert browser.post("/account/theme", theme="light").status_code == 204
    assert 'data-theme="light"' in browser.get("/account").text
    assert browser.post("/account/theme", theme="pink").status_code == 422


def test_another_password_ends_the_other_sessions(browser: Browser, signed_in: SignedIn) -> None:
    elsewhere = signed_in(UserRole.AUDITOR)
    answer = browser.post("/account/password", old=PASSWORD, new=ANOTHER, again=ANOTHER)
    assert answer.headers["Location"] == "/account?done=password"
    assert browser.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    assert elsewhere.sign_in("auditor", ANOTHER).status_code == 303


@pytest.mark.parametrize(
    "form",
    [
        {"old": "wrong", "new": ANOTHER, "again": ANOTHER},
        {"old": PASSWORD, "new": ANOTHER, "again": "another"},
        {"old": PASSWORD, "new": "password1234", "again": "password1234"},
    ],
)
def test_a_password_that_cannot_be_is_refused_on_the_page(browser: Browser, form: dict[str, str]) -> None:
    answer = browser.post("/account/password", **form)
    assert answer.status_code == 422
    assert "account-password-refused" in answer.text or "<code>account</code>" in answer.text
    assert browser.sign_in("auditor").status_code == 303


def test_a_token_is_shown_once_works_and_can_be_revoked(browser: Browser, node: Appliance) -> None:
    answer = browser.post("/account/tokens", label="<b>export</b>", days="9", permissions=["audit:read"])
    shown = re.search(r"appl_[\w-]{43}", answer.text)
    assert shown
    assert "&lt;b&gt;export" in answer.text
    secret = shown.group()
    assert secret not in browser.get("/account").text
    assert node.token_desk.recognise(secret) is not None
    number = node.api_tokens.of_user("auditor")[0].number
    assert browser.post(f"/account/tokens/{number}/revoke").status_code == 303
    assert node.token_desk.recognise(secret) is None


def test_a_token_that_may_more_than_its_owner_is_refused(browser: Browser, node: Appliance) -> None:
    answer = browser.post("/account/tokens", label="x", days="9", permissions=["users:manage"])
    assert answer.status_code == 403
    assert node.api_tokens.of_user("auditor") == ()


def test_nobody_revokes_anothers_token(browser: Browser, signed_in: SignedIn, node: Appliance) -> None:
    signed_in(UserRole.AI_LEAD).post("/account/tokens", label="x", days="9", permissions=["node:read"])
    number = node.api_tokens.of_user("ai-lead")[0].number
    assert browser.post(f"/account/tokens/{number}/revoke").status_code == 404
    assert len(node.api_tokens.of_user("ai-lead")) == 1


def test_a_token_never_reaches_the_account_itself(browser: Browser, node: Appliance) -> None:
    every = sorted(node.users.get("auditor").permissions - {"account"})
    answer = browser.post("/account/tokens", label="x", days="9", permissions=every)
    program = bearer(browser._app, re.search(r"appl_[\w-]{43}", answer.text).group())  # type: ignore[union-attr]
    assert program.post("/account/theme", theme="dark").status_code == 403


def test_signing_out_everywhere_else_leaves_this_browser(browser: Browser, signed_in: SignedIn) -> None:
    elsewhere = signed_in(UserRole.AUDITOR)
    browser.post("/account/sessions/end")
    assert browser.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
