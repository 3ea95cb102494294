"""The doctor on a running node: everything is well, a study goes the whole way, and what breaks is named."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from appliance.bootstrap import Appliance
from appliance.domain.errors import WeightsMissing
from appliance.node import supervision
from appliance.node.demo_pacs import with_demo_pacs
from appliance.node.health import whole_way
from appliance.node.health.check import Check, State
from appliance.node.health.examination import Extent, examination
from appliance.settings import Modality, Settings
from appliance.store.schema import Base
from tests.conftest import PROJECT
from tests.helpers.node import running
from tests.helpers.services import on_free_ports, orthanc_settings

pytestmark = [pytest.mark.integration, pytest.mark.orthanc]

SENDERS = (Modality(aet="SAMPLES", host="127.0.0.1"), Modality(aet="ELSEWHERE", host="192.0.2.1"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A node whose rules would send everything to the demonstration PACS, and the demonstration package."""
    home = tmp_path_factory.mktemp("a home")
    (home / "models_onnx").mkdir()
    (home / "models_onnx" / "phantom-report").symlink_to(PROJECT / "models_onnx" / "phantom-report")
    wanted = Settings(home=home, dicom={"modalities": SENDERS}, orthanc=orthanc_settings())
    node = with_demo_pacs(on_free_ports(wanted))
    with running(node, demo=True) as started:
        yield started


@pytest.fixture
def node(settings: Settings) -> Iterator[Appliance]:
    opened = Appliance(settings)
    yield opened
    opened.close()


def _by_part(checks: list[Check]) -> dict[str, Check]:
    return {check.part: check for check in checks}


def _rows(node: Appliance) -> dict[str, int]:
    with node.ledger.read() as session:
        return {
            table.name: session.scalars(select(func.count()).select_from(table)).one()
            for table in Base.metadata.sorted_tables
            if table.name != "cursors"
        }


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_study_goes_the_whole_way_and_leaves_nothing(settings: Settings, node: Appliance) -> None:
    checks = list(examination(settings, node, Extent(whole_way=True)))
    assert [check for check in checks if check.state is State.FAILED] == []
    way = [check for check in checks if check.group == "Whole way"]
    assert [check.part for check in way] == [
        "sent",
        "arrived",
        "planned",
        "analysed",
        "delivered",
        "in Orthanc",
        "removed",
    ]
    assert set(_rows(node).values()) == {0}
    assert node.orthanc.statistics()["CountStudies"] == 0
    assert _files(settings.state / "cache") + _files(settings.state / "results") == []
    assert _files(settings.state / "demo-pacs") != []
    assert not any(file.suffix == "" and len(file.name) == 36 for file in _files(settings.state / "demo-pacs"))


def test_our_port_lets_in_whom_the_settings_name(settings: Settings, node: Appliance) -> None:
    parts = _by_part(list(examination(settings, node, Extent())))
    assert parts["DICOM port: SAMPLES"].detail == "answered"
    assert parts["DICOM port: ELSEWHERE"].detail.startswith("refused from here, as it should")
    assert parts["DICOM port: strangers"].state is State.OK
    assert parts["from ELSEWHERE"].state is State.ASK
    assert parts["to demo-pacs"].state is State.OK


def test_a_way_that_ends_is_named_by_its_stage(settings: Settings, node: Appliance) -> None:
    scheduler = {item.name: item.pid for item in supervision.status(settings)}["worker-inference-cpu"]
    subprocess.run(["kill", "-STOP", str(scheduler)], check=True)
    try:
        lines = list(whole_way.whole_way(settings, node, patience_s=8))
    finally:
        subprocess.run(["kill", "-CONT", str(scheduler)], check=True)
    assert [(line.part, line.state) for line in lines] == [
        ("sent", State.OK),
        ("arrived", State.OK),
        ("planned", State.OK),
        ("analysed", State.FAILED),
        ("removed", State.OK),
    ]
    assert "worker-inference-cpu" in lines[3].do


def test_without_its_package_nothing_is_sent(
    settings: Settings, node: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise WeightsMissing("gone", where="phantom-report")

    monkeypatch.setattr(node, "self_test_package", missing)
    with pytest.raises(WeightsMissing):
        list(whole_way.whole_way(settings, node))
