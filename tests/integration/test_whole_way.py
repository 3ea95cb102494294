"""The whole way on real services: C-STORE in, SEG, SR and report out in a second PACS; nothing doubled."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from appliance.bootstrap import Appliance
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import ProcedureStepState
from appliance.node import supervision
from appliance.node.demo_pacs import with_demo_pacs
from appliance.node.sender import send
from appliance.settings import LOOPBACK, SecretName, Settings
from appliance.store.deliveries import DeliveryState
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.node import await_end, running
from tests.helpers.services import on_free_ports, orthanc_settings, wait_for
from tests.helpers.tiny_models import write_threshold_package

pytestmark = [pytest.mark.integration, pytest.mark.orthanc]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A node with a demonstration PACS in a folder whose name has a space, and one tiny model."""
    home = tmp_path_factory.mktemp("a home")
    write_threshold_package(home / "models_onnx")
    node = with_demo_pacs(on_free_ports(Settings(home=home, orthanc=orthanc_settings())))
    with running(node, demo=True) as started:
        yield started


@pytest.fixture(scope="module")
def study(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> StudyInstanceUID:
    """A study that was sent, and has come to its end."""
    slices = ct_series(blob_phantom())
    folder = tmp_path_factory.mktemp("study")
    save(slices, folder)
    uid = StudyInstanceUID(str(slices[0].StudyInstanceUID))
    assert send(settings, [folder]) == len(slices)
    _await_end(settings, uid)
    assert send(settings, [folder]) == len(slices)
    time.sleep(2 * settings.worker.poll_s)
    _await_end(settings, uid)
    return uid


def _await_end(settings: Settings, study: StudyInstanceUID) -> None:
    node = Appliance(settings)
    await_end(node, study)
    node.close()


def _instances_in_pacs(settings: Settings, study: StudyInstanceUID) -> list[dict[str, Any]]:
    url = f"http://{LOOPBACK}:{settings.demo.http_port}/dicom-web/studies/{study}/instances"
    auth = ("demo", settings.secrets.get(SecretName.DEMO_PACS))
    answer = httpx.get(url, auth=auth, headers={"Accept": "application/dicom+json"}, trust_env=False)
    return list(answer.json())


def test_results_are_in_the_pacs_exactly_once(settings: Settings, study: StudyInstanceUID) -> None:
    found = _instances_in_pacs(settings, study)
    kinds = Counter(item["00080016"]["Value"][0] for item in found)
    assert kinds == {
        "1.2.840.10008.5.1.4.1.1.66.4": 1,  # Segmentation
        "1.2.840.10008.5.1.4.1.1.88.34": 1,  # Comprehensive 3D SR: the measurements
        "1.2.840.10008.5.1.4.1.1.88.22": 1,  # Enhanced SR: the report
        "1.2.840.10008.5.1.4.1.1.104.1": 1,  # Encapsulated PDF
    }


def test_the_ledger_tells_the_whole_story(settings: Settings, study: StudyInstanceUID) -> None:
    node = Appliance(settings)
    receipt = node.studies.receipt(study)
    standing = [item for item in receipt.workitems if item.reason_code != "workitem-superseded"]
    assert {item.state for item in standing} == {ProcedureStepState.COMPLETED}
    assert sorted(item.workitem.package for item in standing) == ["blob", "compositional-report"]
    assert {delivery.state for delivery in receipt.deliveries} <= {DeliveryState.DELIVERED, DeliveryState.SUPERSEDED}
    assert [event.sequence for event in receipt.events] == list(range(1, len(receipt.events) + 1))
    node.close()


def test_our_own_results_are_never_input(settings: Settings, study: StudyInstanceUID) -> None:
    node = Appliance(settings)
    classes = {item.instance.sop_class_uid for item in node.instances.of_study(study)}
    assert classes == {"1.2.840.10008.5.1.4.1.1.2"}
    node.close()


def test_a_worker_that_is_killed_comes_back(settings: Settings, study: StudyInstanceUID) -> None:
    before = {service.name: service.pid for service in supervision.status(settings)}
    psutil.Process(before["worker-inference-cpu"]).kill()

    def back() -> bool:
        now = {service.name: service for service in supervision.status(settings)}["worker-inference-cpu"]
        return now.is_running and now.pid != before["worker-inference-cpu"]

    assert wait_for(back, "the restart of the worker", 60)
