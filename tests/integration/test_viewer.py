"""A reader opens a study by link in Debian's Chromium: images, and the segmentation on them, from our origin alone."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.audit import AuditKind
from appliance.domain.identifiers import StudyInstanceUID
from appliance.node.sender import send
from appliance.settings import LOOPBACK, Settings
from appliance.store.audit_trail import AuditQuery
from appliance.web.viewer.files import FOLDER
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.node import await_end, running
from tests.helpers.people import PASSWORD, TEST
from tests.helpers.services import on_free_ports, orthanc_settings, program
from tests.helpers.tiny_models import write_threshold_package

pytestmark = [pytest.mark.integration]
SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SEGMENT = np.array([221, 130, 101])
"""The colour of the tiny model's segment; its outline is drawn in it, its area mixed with the white blob below."""
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    if not FOLDER.is_dir():
        pytest.skip("the viewer was not brought in, see packaging/npm/fetch.sh")
    home = tmp_path_factory.mktemp("home")
    write_threshold_package(home / "models_onnx")
    node = on_free_ports(Settings(home=home, orthanc=orthanc_settings()))
    with running(node) as started:
        yield started


@pytest.fixture(scope="module")
def node(settings: Settings) -> Iterator[Appliance]:
    appliance = Appliance(settings)
    for name, role in (("admin", UserRole.PACS_ADMIN), ("reader", UserRole.RADIOLOGIST)):
        appliance.account_desk.add(name, roles=(role,), password=PASSWORD, actor=TEST)
    yield appliance
    appliance.close()


@pytest.fixture(scope="module")
def study(node: Appliance, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> StudyInstanceUID:
    """A study with a prior; both have come to their end."""
    affine = np.diag([1.5, 1.5, 3.0, 1.0])[:, [2, 1, 0, 3]]
    phantom = blob_phantom((24, 96, 112), affine)
    window = {"WindowCenter": 40, "WindowWidth": 400}
    now = ct_series(phantom, seed="now", AccessionNumber="NOW1", **window)
    prior = ct_series(phantom, seed="prior", AccessionNumber="OLD1", StudyDate="20250101", **window)
    folder = tmp_path_factory.mktemp("studies")
    save(now, folder / "now")
    save(prior, folder / "prior")
    send(settings, [folder / "now", folder / "prior"])
    uids = [StudyInstanceUID(str(items[0].StudyInstanceUID)) for items in (now, prior)]
    for uid in uids:
        await_end(node, uid)
    return uids[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program("chromium"), args=FLAGS)
        yield opened
        opened.close()


class Visit:
    """A page at which somebody has signed in on the way to a link; notes what it asks for and complains about."""

    def __init__(self, browser: Browser, settings: Settings, link: str, size: tuple[int, int]) -> None:
        self.origin = f"http://{LOOPBACK}:{settings.web.port}"
        self.page: Page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme="dark")
        self.page.set_default_timeout(PATIENCE_MS)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.goto(self.origin + link)
        assert "/login" in self.page.url
        self.page.fill("input[name=name]", "reader")
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_url("**/viewer?**")

    def viewports(self) -> list[np.ndarray]:
        """What each viewport shows now, [row, column, RGB]."""
        shots = [found.screenshot() for found in self.page.locator(".cornerstone-canvas").all()]
        return [np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int) for shot in shots]

    def wait_until_drawn(self, viewports: int) -> list[np.ndarray]:
        """Wait for the images, and for the outline of the segment in the first of them."""
        for _ in range(PATIENCE_MS // 500):
            seen = self.viewports()
            if len(seen) == viewports and all(body(image).any() for image in seen) and outline(seen[0]).sum() > 50:
                return seen
            self.page.wait_for_timeout(500)
        raise AssertionError("the segmentation was not drawn")

    def keep(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def foreign(self) -> list[str]:
        return [url for url in self.asked if not url.startswith((self.origin + "/", f"blob:{self.origin}/", "data:"))]


def body(image: np.ndarray) -> np.ndarray:
    """Where the grey body is: 40 HU in a window around 40."""
    return np.all(np.abs(image - 128) < 12, axis=-1)


def outline(image: np.ndarray) -> np.ndarray:
    """Where something is drawn in the colour of the segment."""
    return np.all(np.abs(image - SEGMENT) < 25, axis=-1)


def filled(image: np.ndarray) -> np.ndarray:
    """Where the colour lies over white: redder than blue, and bright."""
    return (image[..., 0] - image[..., 2] > 30) & (image[..., 0] > 180)


def test_the_segmentation_lies_on_the_images_where_the_blob_is(
    browser: Browser, settings: Settings, node: Appliance, study: StudyInstanceUID
) -> None:
    visit = Visit(browser, settings, f"/viewer?StudyInstanceUIDs={study}", (1280, 720))
    (image,) = visit.wait_until_drawn(1)
    visit.keep("viewer-1280x720")
    grey, colour = np.argwhere(body(image)), np.argwhere(filled(image))
    top, left = grey.min(axis=0)
    height, width = grey.max(axis=0) - grey.min(axis=0)
    middle = (colour.mean(axis=0) - (top, left)) / (height, width)
    # in the slice of the blob's centre the body has radii of 0.73 and 0.82 about (0, 0); the blob lies at (-0.3, 0.35):
    # in front, and on the patient's left, which is right on the screen
    assert middle == pytest.approx([0.5 - 0.3 / 1.45, 0.5 + 0.35 / 1.63], abs=0.05)
    assert len(colour) / (height * width) == pytest.approx(np.pi * 0.3 * 0.3 / (1.45 * 1.63), rel=0.25)
    assert visit.foreign() == []
    assert visit.complaints == []
    opened = node.audit.search(AuditQuery(kind=AuditKind.STUDY_OPENED, actor="reader"), 10)
    assert [entry.study_instance_uid for entry in opened] == [study]
    visit.page.close()


def test_the_link_of_a_pacs_opens_the_study_beside_its_prior(
    browser: Browser, settings: Settings, study: StudyInstanceUID
) -> None:
    link = "/IHEInvokeImageDisplay?requestType=STUDY&accessionNumber=NOW1"
    visit = Visit(browser, settings, link, (1440, 900))
    now, prior = visit.wait_until_drawn(2)
    visit.keep("viewer-with-prior")
    assert str(study) in visit.page.url
    assert np.count_nonzero(filled(now)) > 500
    assert not outline(prior).any()
    assert visit.foreign() == []
    assert visit.complaints == []
    visit.page.close()
