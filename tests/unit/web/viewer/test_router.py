"""The viewer's files and its page: who gets them, under which names, with which headers."""

import gzip
import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.errors import ViewerMissing
from appliance.settings import ViewerSettings
from appliance.web.problems import add_error_answers
from appliance.web.shell import Shell
from appliance.web.viewer import start
from appliance.web.viewer.files import FOLDER, ViewerFiles
from appliance.web.viewer.router import viewer_router
from tests.helpers.people import Browser, add_one_of_each_role, web_app

BUNDLE = "app.bundle.0123456789abcdef.js"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "dist"
    (made / "assets").mkdir(parents=True)
    for name in (BUNDLE, "app.bundle.css", "0123456789abcdef.wasm", "assets/bone.png", "index.html"):
        (made / name).write_bytes(name.encode())
    (made / f"{BUNDLE}.gz").write_bytes(gzip.compress(b"compressed"))
    (tmp_path / "secret").write_text("secret")
    return made


@pytest.fixture
def app(node: Appliance, folder: Path) -> FastAPI:
    """The viewer alone, around files of the test; people sign in at the whole service."""
    add_one_of_each_role(node)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.node, app.state.shell = node, Shell([])
    add_error_answers(app)
    app.include_router(viewer_router(ViewerSettings(), ViewerFiles(folder)))
    return app


def browser_of(app: FastAPI, node: Appliance, role: UserRole) -> Browser:
    entrance, browser = Browser(web_app(node)), Browser(app)
    entrance.sign_in(str(role))
    browser.cookies = entrance.cookies
    return browser


def test_nobody_gets_anything_without_a_login_and_everybody_comes_back_to_the_same_link(app: FastAPI) -> None:
    answer = Browser(app).get("/viewer?StudyInstanceUIDs=1.2,1.3")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login?next=/viewer%3FStudyInstanceUIDs%3D1.2%2C1.3"
    for path in (f"/{BUNDLE}", "/app-config.js", "/assets/bone.png"):
        assert Browser(app).get(path, headers={"Accept": "*/*"}).status_code == 401


def test_who_may_see_no_images_gets_no_viewer(app: FastAPI, node: Appliance) -> None:
    for role in (UserRole.AUDITOR, UserRole.AI_LEAD):
        for path in ("/viewer", "/app-config.js", f"/{BUNDLE}"):
            assert browser_of(app, node, role).get(path, headers={"Accept": "*/*"}).status_code == 403


def test_the_page_begins_with_the_script_of_the_build_and_loads_from_nowhere_else(
    app: FastAPI, node: Appliance
) -> None:
    answer = browser_of(app, node, UserRole.RADIOLOGIST).get("/viewer?StudyInstanceUIDs=1.2")
    assert f'src="/{BUNDLE}"' in answer.text
    assert not re.findall(r"https?://|//[a-z]", answer.text)
    assert "<script>" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"https?:|\*", policy)


def test_files_are_kept_by_their_hash_and_sent_compressed(app: FastAPI, node: Appliance) -> None:
    browser = browser_of(app, node, UserRole.RADIOLOGIST)
    script = browser.get(f"/{BUNDLE}", headers={"Accept-Encoding": "gzip, br"})
    assert script.content == b"compressed"
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert "unsafe-eval" in script.headers["Content-Security-Policy"]
    plain = browser.get(f"/{BUNDLE}", headers={"Accept-Encoding": "identity"})
    assert plain.content == BUNDLE.encode()
    for path, word in (
        (f"/{BUNDLE}", "immutable"),
        ("/0123456789abcdef.wasm", "immutable"),
        ("/app.bundle.css", "no-cache"),
    ):
        assert word in browser.get(path).headers["Cache-Control"]
    assert "immutable" in browser.get("/app.bundle.css?v=1").headers["Cache-Control"]
    assert browser.get("/0123456789abcdef.wasm").headers["Content-Type"] == "application/wasm"
    assert browser.get("/assets/bone.png").content == b"assets/bone.png"


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        f"/{BUNDLE}.gz",
        "/../secret",
        "/assets/../../secret",
        "/%2e%2e/secret",
        "/assets/%2e%2e%2f%2e%2e%2fsecret",
        "/x",
    ],
)
def test_nothing_else_is_there_for_anybody(app: FastAPI, node: Appliance, path: str) -> None:
    assert Browser(app).get(path).status_code == 404
    assert browser_of(app, node, UserRole.RADIOLOGIST).get(path).status_code == 404


def test_our_own_pages_are_not_shadowed(node: Appliance) -> None:
    names = {path.name for path in FOLDER.iterdir()} if FOLDER.is_dir() else set()
    assert not names & {"login", "logout", "account", "worklist", "console", "api", "dicom-web", "static", "setup"}
    assert Browser(web_app(node)).get("/health").json() == {"status": "alive"}


def test_a_viewer_that_was_not_brought_in_is_named(tmp_path: Path) -> None:
    with pytest.raises(ViewerMissing):
        _ = ViewerFiles(tmp_path / "nothing").bundle


def test_the_configuration_reads_our_own_origin_and_asks_nobody_else() -> None:
    script = start.configuration(ViewerSettings(title='</script> "Ward"', requests=2))
    values = json.loads(script[script.index("{") : script.index("});") + 1])
    assert values["title"] == '</script> "Ward"'
    assert values["root"] == "/dicom-web"
    assert values["requests"] == {"interaction": 2, "thumbnail": 1, "prefetch": 1}
    assert not re.findall(r"https?://", script)
