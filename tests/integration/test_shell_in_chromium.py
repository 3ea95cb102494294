"""The frame of the pages in a real browser: nothing that the policy forbids, nothing cut off, the theme remembered."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from tests.helpers.page_weight import bytes_carried
from tests.helpers.people import PASSWORD, add_user, appliance_in, web_app
from tests.helpers.services import free_ports

pytestmark = pytest.mark.integration

CUT_OFF = """
[...document.querySelectorAll("main *")]
    .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth && getComputedStyle(e).overflowX !== "visible")
    .filter(e => !e.closest(".unseen"))
    .map(e => e.outerHTML)
"""
SIZES = {"desktop": (1920, 1080), "small": (1280, 720), "narrow": (390, 800)}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    opened = appliance_in(tmp_path_factory.mktemp("node"))
    add_user(opened, "ada", UserRole.PACS_ADMIN)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def address(node: Appliance) -> Iterator[str]:
    """Of the service, which runs in a thread."""
    port = free_ports(1)[0]
    server = uvicorn.Server(uvicorn.Config(web_app(node), port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The distribution's."""
    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        yield browser
        browser.close()


def open_page(chromium: Browser, address: str, **options: Any) -> tuple[Page, list[str]]:
    """A page at the entrance, and what goes wrong on it."""
    page = chromium.new_context(base_url=address, **options).new_page()
    page.set_default_timeout(120_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto("/")
    return page, wrong


def sign_in(page: Page) -> None:
    page.fill("#f-name", "ada")
    page.fill("#f-password", PASSWORD)
    page.click("form button")
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto("/account")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("locale", ["en", "de"])
def test_nothing_is_cut_off_and_nothing_goes_wrong(chromium: Browser, address: str, size: str, locale: str) -> None:
    width, height = SIZES[size]
    page, wrong = open_page(chromium, address, viewport={"width": width, "height": height}, locale=locale)
    sign_in(page)
    page.click("summary")
    if size != "narrow":
        assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("typeof htmx.version") == "string"
    assert wrong == []
    page.context.close()


def test_the_switch_changes_the_theme_at_once_and_for_good(chromium: Browser, address: str, node: Appliance) -> None:
    page, _ = open_page(chromium, address, color_scheme="light")
    sign_in(page)
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(243, 245, 247)"
    with page.expect_response("**/account/theme") as answer:
        page.check("[data-theme-switch] input[value=dark]", force=True)
    assert answer.value.status == 204
    assert page.evaluate(ground) == "rgb(6, 7, 8)"
    assert node.users.get("ada").theme == "dark"
    page.click("text=Sign out")
    assert page.evaluate(ground) == "rgb(6, 7, 8)"
    node.users.set_appearance("ada", theme="auto")
    page.context.close()


def test_a_page_is_light_to_carry(chromium: Browser, address: str) -> None:
    page, _ = open_page(chromium, address)
    page.reload()
    page.wait_for_load_state("networkidle")
    assert 10_000 < bytes_carried(page) < 300_000
    page.context.close()
