"""A radiologist reads a study in a real browser, rejects a finding, and a second browser shows it without reloading."""

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.identifiers import StudyInstanceUID
from tests.helpers.page_weight import bytes_carried
from tests.helpers.people import PASSWORD, add_user, web_app
from tests.helpers.received import analysed
from tests.helpers.services import free_ports

pytestmark = pytest.mark.integration

BUILD = Path(__file__).parents[2] / "build"
AXE = BUILD / "axe.min.js"
SIZES = {"desktop": (1600, 1000), "small": (1280, 720)}


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Appliance, StudyInstanceUID]]:
    node, study = analysed(tmp_path_factory.mktemp("home"))
    add_user(node, "ada", UserRole.PACS_ADMIN)
    add_user(node, "conrad", UserRole.RADIOLOGIST)
    yield node, study
    node.close()


@pytest.fixture(scope="module")
def address(received: tuple[Appliance, StudyInstanceUID]) -> Iterator[str]:
    """Of the service, which runs in a thread."""
    port = free_ports(1)[0]
    server = uvicorn.Server(uvicorn.Config(web_app(received[0]), port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = server.force_exit = True  # streams of pages that were open do not end by themselves
    thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        yield browser
        browser.close()


def opened(chromium: Browser, address: str, study: str, name: str, **options: Any) -> Page:
    """The page of the study, for somebody who has just signed in."""
    page = chromium.new_context(base_url=address, **options).new_page()
    page.set_default_timeout(60_000)
    page.goto(f"/login?next=/studies/{study}")
    page.fill("#f-name", name)
    page.fill("#f-password", PASSWORD)
    page.click("form button")
    page.wait_for_selector("#study")
    page.evaluate("Promise.all([...document.images].map(each => { each.loading = 'eager'; return each.decode(); }))")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_accessible_and_fits(
    chromium: Browser, address: str, received: tuple[Appliance, StudyInstanceUID], scheme: Any, size: str
) -> None:
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    page = opened(chromium, address, received[1], "conrad", viewport=viewport, color_scheme=scheme)
    (BUILD / "screenshots").mkdir(parents=True, exist_ok=True)
    page.screenshot(path=BUILD / "screenshots" / f"study-{size}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if not AXE.exists():
        pytest.skip("axe-core is not here: packaging/npm/fetch.sh")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
    assert [(item["id"], [node["html"] for node in item["nodes"]]) for item in found["violations"]] == []
    page.context.close()


def test_rejecting_a_finding_shows_in_a_second_browser_without_reloading(
    chromium: Browser, address: str, received: tuple[Appliance, StudyInstanceUID]
) -> None:
    reader = opened(chromium, address, received[1], "conrad")
    other = opened(chromium, address, received[1], "ada")
    picture = reader.request.get(reader.locator(".finding .picture img").get_attribute("src") or "").body()
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    assert (np.abs(pixels - (221, 130, 101)).max(axis=2) < 30).sum() > 100, "the outline is on the picture"
    reader.locator(".evidence[href]").first.click()
    assert reader.locator(".finding:target").count() == 1
    other.evaluate("window.stayed = true")
    reader.locator("summary", has_text="Wrong").first.click()
    reader.locator("button", has_text="Record: Wrong").first.click()
    reader.wait_for_selector("text=Rejected by conrad")
    other.wait_for_selector("text=Rejected by conrad")
    assert other.evaluate("window.stayed") is True
    reader.context.close()
    other.context.close()


def test_the_page_is_light_to_carry(
    chromium: Browser, address: str, received: tuple[Appliance, StudyInstanceUID]
) -> None:
    page = opened(chromium, address, received[1], "conrad")
    page.reload(wait_until="load")
    assert 10_000 < bytes_carried(page) < 300_000
    page.context.close()
