"""A slice that comes after the results went out, on real services: one set of results stands, the earlier is gone."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import Dataset, dcmread

from appliance.bootstrap import Appliance
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import FINAL_STATES
from appliance.node.demo_pacs import with_demo_pacs
from appliance.node.sender import send
from appliance.node.system import with_free_ports
from appliance.settings import LOOPBACK, SecretName, Settings
from appliance.store.deliveries import DeliveryState
from appliance.store.events import EventKind
from appliance.store.studies import Receipt
from appliance.store.withdrawals import Withdrawals
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.node import running
from tests.helpers.services import wait_for
from tests.helpers.tiny_models import write_threshold_package

pytestmark = pytest.mark.integration
_PATIENCE_S = 180.0
SEG, SR, REPORT = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.88.22"
PDF, KEY_OBJECTS, CT = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.5.1.4.1.1.2"
SLICES = ct_series(blob_phantom())
STUDY = StudyInstanceUID(str(SLICES[0].StudyInstanceUID))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A node whose demonstration PACS takes rejection notes, and one tiny model."""
    home = tmp_path_factory.mktemp("a home")
    write_threshold_package(home / "models_onnx")
    node = with_free_ports(with_demo_pacs(Settings(home=home)), demo=True)
    places = tuple(place.model_copy(update={"accepts_rejection_notes": True}) for place in node.destinations)
    node = node.model_copy(update={"destinations": places})
    with running(node, demo=True) as started:
        yield started


@pytest.fixture(scope="module")
def receipts(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Receipt, Receipt]:
    """How the study stood after all slices but the last, and after the last."""
    early, late = tmp_path_factory.mktemp("early"), tmp_path_factory.mktemp("late")
    save(SLICES[:-1], early)
    save(SLICES[-1:], late)
    node = Appliance(settings)
    send(settings, [early])
    before = _at_its_end(node, len(SLICES) - 1)
    send(settings, [late])
    after = _at_its_end(node, len(SLICES))
    node.close()
    return before, after


def _at_its_end(node: Appliance, instances: int) -> Receipt:
    def over() -> Receipt | None:
        if STUDY not in {item.study_instance_uid for item in node.studies.latest()}:
            return None
        receipt = node.studies.receipt(STUDY)
        ended = receipt.workitems and all(status.state in FINAL_STATES for status in receipt.workitems)
        pending = receipt.summary.deliveries.get(DeliveryState.PENDING, 0)
        planned = max((e.detail["instances"] for e in receipt.events if e.kind is EventKind.PLANNED), default=0)
        owed = node.studies.owes_plan(STUDY) or Withdrawals(node.ledger).to_withdraw()
        return receipt if ended and planned == instances and not pending and not owed else None

    found: Receipt = wait_for(over, f"the end of the study with {instances} slices", _PATIENCE_S)
    return found


def _classes(base: str, auth: tuple[str, str]) -> Counter[str]:
    answer = httpx.get(f"{base}/studies/{STUDY}/instances", auth=auth, headers={"Accept": "application/dicom+json"})
    return Counter(item["00080016"]["Value"][0] for item in answer.json())


def _of_kind(receipt: Receipt, kind: str) -> list[Any]:
    return [record for record in receipt.results if record.kind == kind]


def _object(settings: Settings, record: Any) -> Dataset:
    return dcmread(Path(settings.state) / "results" / record.path)


def test_exactly_one_set_of_results_stands(receipts: tuple[Receipt, Receipt]) -> None:
    before, after = receipts
    assert Counter(str(record.kind) for record in before.results) == {"SEG": 1, "SR": 1, "REPORT": 1, "PDF": 1}
    standing = [r for r in after.results if r.superseded_by is None and r.kind != "REJECTION"]
    assert Counter(str(record.kind) for record in standing) == {"SEG": 1, "SR": 1, "REPORT": 1, "PDF": 1}
    assert {r.sop_instance_uid for r in before.results}.isdisjoint(r.sop_instance_uid for r in standing)
    replaced = {r.sop_instance_uid for r in after.results if r.superseded_by is not None}
    assert replaced == {r.sop_instance_uid for r in before.results}


def test_the_node_shows_the_standing_results_alone(settings: Settings, receipts: tuple[Receipt, Receipt]) -> None:
    node = Appliance(settings)
    held = node.orthanc.instances_of_study(STUDY)
    node.close()
    auth = ("appliance", settings.secrets.get(SecretName.ORTHANC))
    found = _classes(f"{settings.orthanc_url}/dicom-web", auth)
    assert found == {CT: len(SLICES), SEG: 1, SR: 1, REPORT: 1, PDF: 1}
    assert len(held) == found.total()


def test_the_pacs_is_told_to_reject_exactly_what_was_replaced(
    settings: Settings, receipts: tuple[Receipt, Receipt]
) -> None:
    before, after = receipts
    base = f"http://{LOOPBACK}:{settings.demo.http_port}/dicom-web"
    found = _classes(base, ("demo", settings.secrets.get(SecretName.DEMO_PACS)))
    assert found == {SEG: 2, SR: 2, REPORT: 2, PDF: 2, KEY_OBJECTS: 2}
    notes = [_object(settings, record) for record in _of_kind(after, "REJECTION")]
    rejected = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for note in notes
        for item in note.ContentSequence
        if "ReferencedSOPSequence" in item
    }
    assert rejected == {record.sop_instance_uid for record in before.results}


@pytest.mark.parametrize("kind", ["SR", "REPORT"])
def test_the_new_document_names_its_predecessor(
    settings: Settings, receipts: tuple[Receipt, Receipt], kind: str
) -> None:
    before, after = receipts
    (old,) = _of_kind(before, kind)
    (new,) = [record for record in _of_kind(after, kind) if record.superseded_by is None]
    (study,) = _object(settings, new).PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert [item.ReferencedSOPInstanceUID for item in series.ReferencedSOPSequence] == [old.sop_instance_uid]


def test_each_transfer_was_planned_once(receipts: tuple[Receipt, Receipt]) -> None:
    _, after = receipts
    assert [event.detail["instances"] for event in after.events if event.kind is EventKind.PLANNED] == [13, 14]
