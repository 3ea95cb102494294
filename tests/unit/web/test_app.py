"""The service as a whole: headers of every answer, errors in both forms, bounded bodies, files that are served."""

import pytest
from fastapi import FastAPI

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.web.app import MOST_BYTES
from appliance.web.static_files import STATIC_PATH
from tests.helpers.people import Browser
from tests.unit.web.conftest import SignedIn


def test_pages_may_load_our_own_files_and_nothing_else(browser: Browser) -> None:
    headers = browser.get("/login").headers
    policy = dict(item.split(" ", 1) for item in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


def test_no_page_carries_what_its_policy_forbids(browser: Browser, signed_in: SignedIn) -> None:
    pages = [browser.get("/login"), browser.get("/nowhere"), signed_in(UserRole.PACS_ADMIN).get("/account")]
    for page in pages:
        assert " style=" not in page.text
        assert "<style" not in page.text
        assert " onclick=" not in page.text
        assert page.text.count("<script") == page.text.count("<script src=") > 0


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/nowhere", "/account/", "/login/x"])
def test_nothing_else_is_served(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "page-unknown" in answer.text
    assert browser.get(path, headers={"Accept": "*/*"}).headers["Content-Type"] == "application/problem+json"


def test_an_address_cannot_write_into_the_error_page(browser: Browser) -> None:
    answer = browser.get("/<script>alert(1)</script>")
    assert "<script>" not in answer.text


def test_whoever_is_signed_in_keeps_the_navigation_on_an_error_page(signed_in: SignedIn) -> None:
    answer = signed_in(UserRole.AUDITOR).get("/nowhere")
    assert answer.status_code == 404
    assert 'href="/account"' in answer.text


def test_a_defect_is_answered_in_both_forms_with_all_headers(browser: Browser, node: Appliance) -> None:
    vars(node)["sign_in"] = None
    for accept, kind in (("text/html", "text/html"), ("*/*", "application/problem+json")):
        answer = (
            browser.post("/login", name="x", password="x")
            if accept == "text/html"
            else browser.request("POST", "/login", data={"name": "x", "password": "x"}, headers={"Accept": accept})
        )
        assert answer.status_code == 500
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "NoneType" not in answer.text


def test_a_body_is_bounded_before_anybody_is_known(browser: Browser) -> None:
    answer = browser.request("POST", "/login", content=b"x" * (MOST_BYTES + 1))
    assert answer.status_code == 413


def test_a_form_that_lacks_something_is_no_defect(browser: Browser) -> None:
    assert browser.post("/login").status_code == 422
    problem = browser.request("POST", "/login", headers={"Accept": "application/json"})
    assert problem.status_code == 422
    assert {item["at"] for item in problem.json()["errors"]} == {"body.name", "body.password"}


@pytest.mark.parametrize("name", ["css/app.css", "js/app.js", "mark.svg", "lib/htmx.min.js", "lib/sse.min.js"])
def test_files_are_served_to_everybody_and_kept_by_version(browser: Browser, name: str) -> None:
    assert browser.get(f"{STATIC_PATH}/{name}").headers["Cache-Control"] == "no-cache"
    kept = browser.get(f"{STATIC_PATH}/{name}?v=1")
    assert kept.status_code == 200
    assert "immutable" in kept.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["../app.py", "%2e%2e/app.py", "lib/.stamp/../../../app.py", ""])
def test_nothing_beside_the_static_folder_is_served(browser: Browser, path: str) -> None:
    assert browser.get(f"{STATIC_PATH}/{path}").status_code in (404, 405)


@pytest.mark.parametrize(
    ("language", "word"), [("de", "Anmelden"), ("de-AT,en;q=0.5", "Anmelden"), ("fr,en", "Sign in")]
)
def test_the_browser_chooses_the_language_before_signing_in(app: FastAPI, language: str, word: str) -> None:
    assert f">{word}<" in Browser(app, language=language).get("/login").text
