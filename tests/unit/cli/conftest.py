"""The command line as a person uses it: `main()` in this process, in a home of its own."""

import json
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from appliance.bootstrap import Appliance
from appliance.cli import context
from appliance.cli.main import main
from appliance.domain.identifiers import StudyInstanceUID
from appliance.services.folder import take_in
from appliance.settings import load_settings
from appliance.store.clock import utc_now
from appliance.study.files import open_input
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.tiny_models import write_threshold_package

SETTINGS = """
models_dir = "models"

[report]
language = "en"

[[destinations]]
name = "pacs"
kind = "dimse"
port = 1
"""


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture(scope="session")
def blob_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one CT series."""
    folder = tmp_path_factory.mktemp("study")
    save(ct_series(blob_phantom()), folder)
    return folder


@pytest.fixture(scope="session")
def _worked_home(tmp_path_factory: pytest.TempPathFactory, blob_study: Path) -> Path:
    home = tmp_path_factory.mktemp("home")
    make_home(home)
    node = Appliance(load_settings(home / "appliance.toml"))
    with open_input(blob_study) as found:
        for study in take_in(found, node.instances, utc_now()):
            node.planner.plan(study)
    while work := node.workitems.runnable():
        node.analyst.run(work[0].uid, "test")
    node.close()
    return home


def make_home(home: Path) -> None:
    """Settings, and one model that marks bright voxels of CT."""
    (home / "appliance.toml").write_text(SETTINGS, encoding="utf-8")
    write_threshold_package(home / "models")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home in which nothing has happened yet."""
    folder = tmp_path / "a home"
    folder.mkdir()
    make_home(folder)
    yield from _inside(folder, monkeypatch)


@pytest.fixture
def worked_home(tmp_path: Path, _worked_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home whose node has analysed one study; its results wait for Orthanc."""
    yield from _inside(Path(shutil.copytree(_worked_home, tmp_path / "a worked home")), monkeypatch)


@pytest.fixture(autouse=True)
def logs_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`main` sends logs to a standard error that ends with the test: no logger may keep it."""
    before, configure = structlog.get_config(), structlog.configure
    monkeypatch.setattr(structlog, "configure", lambda **how: configure(**how | {"cache_logger_on_first_use": False}))
    with warnings.catch_warnings():
        yield
    configure(**before)


def _inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(context, "_file", None)
    monkeypatch.setattr(context, "_settings", None)
    forget_node()
    yield folder
    forget_node()


def forget_node() -> None:
    """What a new process would not know."""
    if context.appliance.cache_info().currsize:
        context.appliance().close()
    context.appliance.cache_clear()
    context._settings = None


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `appliance ARGUMENTS`; any error that `main` lets through fails the test, as a traceback would."""

    def call(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["appliance", *map(str, arguments)])
        forget_node()
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Said(code, captured.out, captured.err)

    return call


@pytest.fixture
def study_uid(worked_home: Path) -> StudyInstanceUID:
    """The study that the node of `worked_home` has analysed."""
    return context.appliance().studies.latest(1)[0].study_instance_uid
