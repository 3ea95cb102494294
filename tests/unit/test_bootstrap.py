"""Wiring: made when asked for, from settings alone; what a setting names wrongly is said."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.bootstrap import Appliance, read_limits
from appliance.delivery.destinations import Protocol, SegmentationType
from appliance.domain.dicom_result import ResultKind
from appliance.domain.errors import SettingsError, UnknownModel, UnknownStudy, WeightsMissing
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import REPORT_PACKAGE
from appliance.services.folder import take_in
from appliance.settings import DestinationSettings, LimitSettings, Settings, WorkerSettings
from appliance.store.clock import utc_now
from appliance.study.files import open_input
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.tiny_models import write_threshold_package

PACS = DestinationSettings(name="pacs", kind="dimse", host="10.0.0.9", aet="PACS", accepts=("SR",), language="de")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Appliance]:
    made = appliance(tmp_path, destinations=(PACS,))
    write_threshold_package(tmp_path / "models_onnx")
    yield made
    made.close()


def appliance(home: Path, **changes: Any) -> Appliance:
    return Appliance(Settings(home=home, **changes))


def test_nothing_is_made_before_it_is_asked_for(node: Appliance, tmp_path: Path) -> None:
    assert not (tmp_path / "state").exists()
    node.close()
    assert node.catalogue.states()
    assert not (tmp_path / "state").exists()


def test_what_was_made_once_is_the_same_ever_after(node: Appliance) -> None:
    assert node.ledger is node.ledger
    assert node.planner is node.planner
    assert (node.settings.state / "ledger.sqlite").is_file()


def test_limits_are_bytes(tmp_path: Path) -> None:
    limits = read_limits(Settings(home=tmp_path, limits=LimitSettings(file_mib=3, series_mib=5)))
    assert (limits.file_bytes, limits.series_bytes) == (3 << 20, 5 << 20)


def test_a_destination_is_what_its_settings_say(node: Appliance) -> None:
    place = node.destinations["pacs"]
    assert (place.kind, place.host, place.aet, place.calling_aet) == (Protocol.DIMSE, "10.0.0.9", "PACS", "APPLIANCE")
    assert place.accepts == {ResultKind.SR}
    assert (place.seg_type, place.language) == (SegmentationType.BINARY, "de")
    with pytest.raises(SettingsError):
        node.destination_settings("nope")


def test_a_password_comes_from_its_file_without_the_line_end(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n", encoding="utf-8")
    place = DestinationSettings(name="web", kind="stow", url="https://x", password_file=tmp_path / "password")
    node = appliance(tmp_path, destinations=(place,))
    assert node.destinations["web"].password == "hunter2"
    assert "hunter2" not in repr(node.destinations)


def test_a_password_file_that_is_missing_names_the_destination(tmp_path: Path) -> None:
    place = DestinationSettings(name="web", kind="stow", url="https://x", password_file=tmp_path / "nope")
    with pytest.raises(SettingsError) as caught:
        _ = appliance(tmp_path, destinations=(place,)).destinations
    assert caught.value.where == "destinations.web"


def test_a_package_is_given_by_name_and_version(node: Appliance) -> None:
    assert node.package("blob", "1.0.0").identity == "blob@1.0.0"
    with pytest.raises(UnknownModel):
        node.package("blob", "2.0.0")


def test_a_package_without_its_weights_is_not_given(node: Appliance, tmp_path: Path) -> None:
    (tmp_path / "models_onnx" / "blob" / "1.0.0" / "model.onnx").unlink()
    with pytest.raises(WeightsMissing):
        node.package("blob", "1.0.0")


def test_the_choice_of_versions_is_in_the_state_folder(node: Appliance, tmp_path: Path) -> None:
    node.catalogue.choose("blob", None)
    assert (tmp_path / "state" / "models.json").is_file()
    assert node.catalogue.active() == ()


def test_the_device_names_this_installation(node: Appliance) -> None:
    assert node.device.station_name == node.settings.device.station_name
    assert node.device.software_version


def test_a_node_without_gpu_asks_for_the_cpu_alone(tmp_path: Path) -> None:
    assert appliance(tmp_path).runtime._allowed == ("CPUExecutionProvider",)
    assert appliance(tmp_path, worker=WorkerSettings(gpu=True)).runtime._allowed[0] == "TensorrtExecutionProvider"


def test_a_plan_for_a_folder_does_nothing(node: Appliance, tmp_path: Path) -> None:
    save(ct_series(blob_phantom()), tmp_path / "in")
    (study,) = node.studies_in(tmp_path / "in")
    plan = node.plan_by(study, node.rulebook.current().rules)
    assert [item.package for item in plan.workitems] == ["blob", REPORT_PACKAGE]
    assert node.studies.latest() == ()


def test_a_study_is_given_as_it_arrived(node: Appliance, tmp_path: Path) -> None:
    save(ct_series(blob_phantom()), tmp_path / "in")
    with open_input(tmp_path / "in") as found:
        (uid,) = take_in(found, node.instances, utc_now())
    (series,) = node.study(uid).series
    assert series.number_of_frames == 14
    with pytest.raises(UnknownStudy):
        node.study(StudyInstanceUID("1.2.3"))
