"""Marked identifiers go the whole way, and are afterwards in no log, no bundle and no file that leaves the node."""

import contextlib
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from appliance.bootstrap import Appliance
from appliance.domain.errors import DestinationUnavailable
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import FINAL_STATES
from appliance.node.sender import send
from appliance.node.support_bundle import write_bundle
from appliance.settings import DestinationSettings, SecretName, Settings
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.node import running
from tests.helpers.services import free_port, on_free_ports, orthanc_settings, wait_for
from tests.helpers.tiny_models import write_threshold_package

pytestmark = [pytest.mark.integration, pytest.mark.orthanc]

MARKS = {
    "PatientName": "QZMARKNAME^QZMARKGIVEN",
    "PatientID": "QZMARKPATIENTID",
    "PatientBirthDate": "18990711",
    "OtherPatientIDs": "QZMARKOTHERID",
    "PatientAddress": "QZMARKADDRESS",
    "PatientComments": "QZMARKCOMMENT",
    "AccessionNumber": "QZMARKACCESSION",
    "ReferringPhysicianName": "QZMARKREFERRER",
    "PerformingPhysicianName": "QZMARKPERFORMER",
    "OperatorsName": "QZMARKOPERATOR",
    "StudyDescription": "QZMARKSTUDY",
    "SeriesDescription": "QZMARKSERIES",
    "StudyID": "QZMARKSTUDYID",
    "ImageComments": "QZMARKIMAGE",
    "InstitutionName": "QZMARKHOSPITAL",
}
_MARKED = re.compile(rb"QZMARK|18990711")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A node with one tiny model, and a destination that never answers."""
    home = tmp_path_factory.mktemp("a home")
    write_threshold_package(home / "models_onnx")
    nowhere = DestinationSettings(name="nowhere", kind="stow", url=f"http://127.0.0.1:{free_port()}/dicom-web")
    node = on_free_ports(Settings(home=home, orthanc=orthanc_settings(), destinations=(nowhere,)))
    with running(node) as started:
        yield started


def _marked(slices: list[Dataset]) -> list[Dataset]:
    for dataset in slices:
        for keyword, value in MARKS.items():
            setattr(dataset, keyword, value)
    return slices


def _renamed(slices: list[Dataset], number: int) -> list[Dataset]:
    """The same images as a study of their own."""
    study, series = f"2.25.9000000000000{number}1", f"2.25.9000000000000{number}2"
    for index, dataset in enumerate(slices):
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{series}.{index}"
    return slices


def _with_a_gap() -> list[Dataset]:
    slices = _renamed(_marked(ct_series(blob_phantom())), 1)
    return [dataset for index, dataset in enumerate(slices) if index != 4]


def _truncated() -> list[Dataset]:
    slices = _renamed(_marked(ct_series(blob_phantom())), 2)
    for dataset in slices:
        dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 2]
    return slices


@pytest.fixture(scope="module")
def studies(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, StudyInstanceUID]:
    """A study that is analysed, one that is refused, one that is not let in, and an instance that changed."""
    node = Appliance(settings)
    sent = {}
    for name, slices in (("good", _marked(ct_series(blob_phantom()))), ("refused", _with_a_gap())):
        folder = tmp_path_factory.mktemp(name)
        save(slices, folder)
        send(settings, [folder])
        sent[name] = StudyInstanceUID(str(slices[0].StudyInstanceUID))
        wait_for(lambda study=sent[name]: _is_over(node, study), f"the end of the {name} study", 120)
    changed = _marked(ct_series(blob_phantom()))[:1]
    changed[0].PixelData = bytes(len(changed[0].PixelData))
    for name, slices in (("truncated", _truncated()), ("changed", changed)):
        folder = tmp_path_factory.mktemp(name)
        save(slices, folder)
        with contextlib.suppress(DestinationUnavailable):
            send(settings, [folder])
    node.close()
    return sent


def _is_over(node: Appliance, study: StudyInstanceUID) -> bool:
    if study not in {item.study_instance_uid for item in node.studies.latest()}:
        return False
    receipt = node.studies.receipt(study)
    return bool(receipt.workitems) and all(item.state in FINAL_STATES for item in receipt.workitems)


def test_both_ends_were_reached(settings: Settings, studies: dict[str, StudyInstanceUID]) -> None:
    """Without this the tests below could pass because nothing happened."""
    node = Appliance(settings)
    assert node.studies.summary(studies["good"]).results > 0
    assert "geometry-slices-missing" in {
        item.reason_code for item in node.studies.receipt(studies["refused"]).workitems
    }
    assert list(settings.quarantine.iterdir()), "the truncated study was kept out"
    stored = (settings.state / "results").rglob("*.dcm")
    assert any(_MARKED.search(file.read_bytes()) for file in stored), "the marks were in what was sent"
    node.close()


def test_no_log_holds_a_mark(settings: Settings, studies: dict[str, StudyInstanceUID]) -> None:
    logs = sorted((settings.state / "logs").iterdir())
    assert {"orthanc.log", "worker-planning.log", "worker-inference-cpu.log", "web.log"} <= {log.name for log in logs}
    found = [(log.name, line) for log in logs for line in log.read_bytes().splitlines() if _MARKED.search(line)]
    assert found == []


def test_the_bundle_holds_neither_mark_nor_uid_nor_secret(
    settings: Settings, studies: dict[str, StudyInstanceUID], tmp_path: Path
) -> None:
    node = Appliance(settings)
    write_bundle(tmp_path / "out.zip", settings, node)
    node.close()
    secrets = [settings.secrets.get(name).encode() for name in SecretName]
    with zipfile.ZipFile(tmp_path / "out.zip") as bundle:
        parts = {name: bundle.read(name) for name in bundle.namelist()}
    assert {"logs/orthanc.log", "logs/worker-inference-cpu.log", "failures.json"} <= parts.keys()
    assert b"uid-" in parts["failures.json"]
    for name, content in parts.items():
        assert not _MARKED.search(content), name
        assert not [uid for uid in studies.values() if uid.encode() in content], name
        assert not [secret for secret in secrets if secret in content], name
