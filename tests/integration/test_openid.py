"""Signing in through a real OpenID provider: roles by its claims, and nothing that it did not vouch for counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.audit import AuditKind
from appliance.store.audit_trail import AuditQuery
from tests.helpers.openid_provider import CLIENT_ID, CLIENT_SECRET, consent, running_provider
from tests.helpers.people import PASSWORD, Browser, add_user, appliance_in, web_app
from tests.helpers.services import free_ports

pytestmark = pytest.mark.integration

BACK = "http://appliance/login/openid/back"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a provider that runs."""
    folder = tmp_path_factory.mktemp("openid") / "provider"
    with running_provider(folder, free_ports(1)[0], [BACK]) as found:
        yield found


@pytest.fixture
def settings(issuer: str, tmp_path: Path) -> dict[str, Any]:
    """Of an appliance that trusts it."""
    (tmp_path / "secret").write_text(f"{CLIENT_SECRET}\n", encoding="utf-8")
    roles = {"radiologists": UserRole.RADIOLOGIST, "pacs": UserRole.PACS_ADMIN}
    return {"issuer": issuer, "client_id": CLIENT_ID, "client_secret_file": "secret", "roles": roles}


@pytest.fixture
def node(settings: dict[str, Any], tmp_path: Path) -> Iterator[Appliance]:
    opened = appliance_in(tmp_path, openid=settings)
    add_user(opened, "local", UserRole.PACS_ADMIN)
    yield opened
    opened.close()


@pytest.fixture
def browser(node: Appliance) -> Browser:
    return Browser(web_app(node))


def leave(browser: Browser, next: str = "") -> str:
    """To the provider; the address there."""
    answer = browser.get(f"/login/openid?next={next}")
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def come_back(browser: Browser, address: str) -> httpx.Response:
    """By a link from elsewhere, as the browser says."""
    return browser.get(address.removeprefix("http://appliance"), headers={"Sec-Fetch-Site": "cross-site"})


def sign_in(browser: Browser, name: str, next: str = "") -> httpx.Response:
    return come_back(browser, consent(leave(browser, next), name))


def test_a_person_of_the_provider_gets_an_account_with_the_roles_of_its_groups(
    browser: Browser, node: Appliance
) -> None:
    answer = sign_in(browser, "margaret", "/account?done=token")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account?done=token")
    assert "Margaret" in browser.get("/account").text
    user = node.users.get("margaret")
    assert user.roles == {UserRole.RADIOLOGIST, UserRole.PACS_ADMIN}
    assert not user.has_password
    kinds = [record.kind for record in node.audit.search(AuditQuery(actor="margaret"), 10)]
    assert kinds == [AuditKind.SIGNED_IN, AuditKind.ACCOUNT_CREATED]


def test_the_second_time_it_is_the_same_account_with_the_roles_of_now(browser: Browser, node: Appliance) -> None:
    sign_in(browser, "grace")
    node.users.set_roles("grace", [UserRole.AUDITOR])
    sign_in(browser, "grace")
    assert node.users.get("grace").roles == {UserRole.RADIOLOGIST}
    assert [user.name for user in node.users.all()] == ["grace", "local"]


def test_the_request_asks_for_a_code_with_a_challenge_and_tells_no_secret(browser: Browser) -> None:
    asked = httpx.URL(leave(browser)).params
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == BACK
    assert len(asked["state"]) >= 43
    assert len(asked["nonce"]) >= 43
    assert CLIENT_SECRET not in str(asked)


def test_somebody_without_a_role_here_is_refused_and_gets_no_account(browser: Browser, node: Appliance) -> None:
    answer = sign_in(browser, "linus")
    assert answer.status_code == 403
    assert "access-openid-refused" in answer.text
    assert [user.name for user in node.users.all()] == ["local"]


def test_a_local_account_of_the_same_name_is_never_taken_over(browser: Browser, node: Appliance) -> None:
    add_user(node, "grace", UserRole.PACS_ADMIN)
    answer = sign_in(browser, "grace")
    assert answer.status_code == 409
    assert node.web_sessions.of_user("grace") == ()
    assert node.users.get("grace").subject is None


def test_a_locked_account_stays_out_whatever_the_provider_says(browser: Browser, node: Appliance) -> None:
    sign_in(browser, "grace")
    node.users.set_locked("grace", True)
    assert sign_in(browser, "grace").status_code == 401


def test_a_local_account_signs_in_beside_it_and_the_page_offers_both(browser: Browser) -> None:
    page = browser.get("/login?next=/account").text
    assert 'href="/login/openid?next=%2Faccount"' in page
    assert browser.sign_in("local", PASSWORD).status_code == 303


def test_coming_back_counts_once_and_only_in_the_browser_that_left(browser: Browser, node: Appliance) -> None:
    address = consent(leave(browser), "grace")
    assert come_back(Browser(browser._app), address).status_code == 403
    assert come_back(browser, address).status_code == 303
    assert come_back(browser, address).status_code == 403


def test_the_code_of_somebody_else_is_worth_nothing(browser: Browser) -> None:
    """An attacker's code in the victim's browser: its verifier does not fit."""
    stolen = httpx.URL(consent(leave(Browser(browser._app)), "margaret")).params["code"]
    own = httpx.URL(consent(leave(browser), "grace"))
    answer = come_back(browser, str(own.copy_set_param("code", stolen)))
    assert answer.status_code == 403
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize("query", ["", "state=x&code=y", "error=access_denied&state=x", "state=%00&code=%00"])
def test_what_was_never_begun_is_refused(browser: Browser, query: str) -> None:
    leave(browser)
    assert come_back(browser, f"/login/openid/back?{query}").status_code == 403


def test_a_refusal_of_the_provider_is_told(browser: Browser) -> None:
    state = httpx.URL(leave(browser)).params["state"]
    answer = come_back(browser, f"/login/openid/back?error=access_denied&state={state}")
    assert answer.status_code == 403
    assert "access-openid-refused" in answer.text


def test_nothing_of_this_is_there_without_a_provider_or_before_the_first_account(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    without, new = appliance_in(tmp_path / "without"), appliance_in(tmp_path, openid=settings)
    add_user(without, "local", UserRole.PACS_ADMIN)
    for opened in (without, new):
        browser = Browser(web_app(opened))
        assert browser.get("/login/openid").status_code == 404
        assert browser.get("/login/openid/back?state=x&code=y").status_code == 404
        opened.close()


def test_a_provider_that_is_away_is_told_and_local_accounts_go_on(settings: dict[str, Any], tmp_path: Path) -> None:
    node = appliance_in(tmp_path, openid=settings | {"issuer": f"http://127.0.0.1:{free_ports(1)[0]}/o"})
    add_user(node, "local", UserRole.PACS_ADMIN)
    browser = Browser(web_app(node))
    answer = browser.get("/login/openid")
    assert answer.status_code == 503
    assert "openid-unavailable" in answer.text
    assert browser.sign_in("local", PASSWORD).status_code == 303
    node.close()
