"""A synthetic study through the whole way of the running node: sent, planned, analysed, found in Orthanc, removed.

The study is a rendering that says so in its pixels' place of honour, its header: patient and study are named
APPLIANCE SELF-TEST. See `services.self_test` for what the node does with it.
"""

import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID

from appliance.bootstrap import Appliance
from appliance.domain.errors import ApplianceError
from appliance.domain.identifiers import StudyInstanceUID, derived_uid
from appliance.domain.workitem import FINAL_STATES, ProcedureStepState
from appliance.node.health.check import Line, failed, ok, warning
from appliance.node.orthanc_config import address_of
from appliance.node.samples.phantom_dicom import phantom_dataset
from appliance.node.samples.phantom_findings import Nodules, PhantomFindings, Side, Zone
from appliance.node.sender import send
from appliance.services.self_test import PATIENT_ID, STUDY_DESCRIPTION
from appliance.settings import LOOPBACK, Settings
from appliance.store.deliveries import OPEN_DELIVERIES
from appliance.store.removal import remove_study
from appliance.store.studies import Receipt

PATIENCE_S = 120.0
_POLL_S = 0.25
_FINDINGS = PhantomFindings(nodules=(Nodules(side=Side.RIGHT, zone=Zone.UPPER, count=1),))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One stage: when it is over, and what to do when it does not come to its end."""

    name: str
    is_over: Callable[[Receipt], bool]
    do: str


def self_test_dataset() -> Dataset:
    """The study of the self-test: one rendered image, with UIDs of its own each time."""
    dataset = phantom_dataset(_FINDINGS, seed=1)
    nonce = uuid.uuid4().hex
    dataset.StudyInstanceUID = derived_uid("self-test-study", nonce)
    dataset.SeriesInstanceUID = derived_uid("self-test-series", nonce)
    dataset.SOPInstanceUID = derived_uid("self-test-instance", nonce)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(dataset.SOPInstanceUID)
    dataset.PatientName, dataset.PatientID = "APPLIANCE^SELF-TEST", PATIENT_ID
    dataset.StudyDescription, dataset.StudyID = STUDY_DESCRIPTION, "SELF-TEST"
    return dataset


def whole_way(settings: Settings, node: Appliance, patience_s: float = PATIENCE_S) -> Iterator[Line]:
    """Send the self-test and follow it; whatever comes of it is removed afterwards."""
    dataset = self_test_dataset()
    study = StudyInstanceUID(str(dataset.StudyInstanceUID))
    node.self_test_package()
    try:
        yield _send(settings, node, dataset)
        yield from _follow(node, study, patience_s)
    finally:
        removal = _remove(node, study)
    yield removal


def _send(settings: Settings, node: Appliance, dataset: Dataset) -> Line:
    """By C-STORE where the settings let this machine send, else through Orthanc's HTTP interface."""
    here = next((item.aet for item in settings.dicom.modalities if address_of(item.host) == LOOPBACK), None)
    with tempfile.TemporaryDirectory(prefix="self-test-") as folder:
        file = Path(folder) / "self-test.dcm"
        dataset.save_as(file, enforce_file_format=True)
        if here and settings.dicom.tls_certificate is None and settings.orthanc.host == LOOPBACK:
            send(settings, [file], aet=here)
            return ok("sent", f"by C-STORE as {here}")
        node.orthanc.store(file)
        return ok("sent", "through Orthanc's HTTP interface: no plain DICOM sender is listed at this machine")


def _follow(node: Appliance, study: StudyInstanceUID, patience_s: float) -> Iterator[Line]:
    began = time.monotonic()
    for step in _STEPS:
        receipt = _wait(node, study, step, began + patience_s)
        seconds = time.monotonic() - began
        if receipt is None or not step.is_over(receipt):
            yield failed(step.name, f"not within {seconds:.0f} s{_why(receipt)}", step.do)
            return
        yield ok(step.name, f"after {seconds:.1f} s")
    if receipt is not None:
        yield from _outcome(receipt)
        yield _in_orthanc(node, receipt)


def _wait(node: Appliance, study: StudyInstanceUID, step: _Step, deadline: float) -> Receipt | None:
    receipt = None
    while time.monotonic() < deadline:
        if any(item.study_instance_uid == study for item in node.studies.latest()):
            receipt = node.studies.receipt(study)
            if step.is_over(receipt):
                break
        time.sleep(_POLL_S)
    return receipt


def _why(receipt: Receipt | None) -> str:
    """The newest code of the timeline, where there is one."""
    codes = [event.code for event in receipt.events if event.code] if receipt else []
    return f" ({codes[-1]})" if codes else ""


def _outcome(receipt: Receipt) -> Iterator[Line]:
    for item in receipt.workitems:
        if item.state is not ProcedureStepState.COMPLETED:
            detail = f"{item.workitem.package}: {item.reason_code} {item.reason_detail or ''}".strip()
            yield failed("outcome", detail, "Look the code up in runbooks/error-codes.md.")
    elsewhere = {delivery.destination for delivery in receipt.deliveries} - {"orthanc"}
    if elsewhere:
        do = "Remove the study APPLIANCE SELF-TEST there, and report this: it is a defect."
        yield failed("outcome", f"the self-test was delivered to {', '.join(sorted(elsewhere))}", do)


def _in_orthanc(node: Appliance, receipt: Receipt) -> Line:
    here = node.orthanc.instances_of_study(receipt.summary.study_instance_uid)
    kinds = ", ".join(sorted({str(record.kind) for record in receipt.results}))
    if len(here) == 1 + len(receipt.results):
        return ok("in Orthanc", f"the image and {len(receipt.results)} results ({kinds})")
    do = "Read state/logs/orthanc.log and worker-planning.log."
    return failed("in Orthanc", f"{len(here)} objects, expected {1 + len(receipt.results)}", do)


def _remove(node: Appliance, study: StudyInstanceUID) -> Line:
    """From Orthanc first: what the ledger forgets, the change feed must not bring back."""
    try:
        ids = node.orthanc.instances_of_study(study)
        node.orthanc.remove_study(study)
        removed = remove_study(node.ledger, study, ids)
    except ApplianceError as error:
        return warning("removed", error.what, f"Remove the study {STUDY_DESCRIPTION} from Orthanc by hand.")
    for path in removed.cached:
        (node.settings.state / "cache" / path).unlink(missing_ok=True)
    for path in removed.results:
        node.result_files.path(path).unlink(missing_ok=True)
    return ok("removed", "from Orthanc, the ledger and the disk")


def _delivered(receipt: Receipt) -> bool:
    return not OPEN_DELIVERIES & receipt.summary.deliveries.keys()


_STEPS = (
    _Step(
        name="arrived",
        is_over=lambda receipt: True,
        do="Orthanc has it, the ledger not: see worker-planning, scheduler and web, and the queue.",
    ),
    _Step(
        name="planned",
        is_over=lambda receipt: receipt.summary.planned_at is not None and bool(receipt.workitems),
        do="See worker-planning and the scheduler; the timeline names a code if rules or models are the reason.",
    ),
    _Step(
        name="analysed",
        is_over=lambda receipt: all(item.state in FINAL_STATES for item in receipt.workitems),
        do="See worker-inference-cpu (or -gpu) and its log; a busy node may only need more time.",
    ),
    _Step(
        name="delivered",
        is_over=_delivered,
        do="See worker-planning, which delivers, and Orthanc.",
    ),
)
