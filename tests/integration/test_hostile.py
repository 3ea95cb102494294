"""The hostile corpus against real services: refused for what it is, or handled; nothing goes down."""

import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE

from appliance.bootstrap import Appliance
from appliance.domain.errors import KeptOut
from appliance.gate.quarantine import QuarantineFolder
from appliance.node.orthanc_config import node_configuration
from appliance.node.system import find_orthanc
from appliance.settings import Modality, SecretName, Settings
from appliance.study.files import open_input
from tests.helpers.hostile import ACCEPTED, ANYTHING, BIG, CT, IMPLICIT, JPEG, LITTLE, MENDED_BY_DCMTK, Hostile, corpus
from tests.helpers.services import OrthancServer, free_ports, orthanc, program, wait_for

pytestmark = pytest.mark.integration

MOST_MIB = 1024
DATA_TRANSFER = "Sta6"  # PS3.8 table 9-10
SYNTAXES = (LITTLE, IMPLICIT, BIG, JPEG)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    program("Orthanc")
    dicom, http, web = free_ports(3)
    return Settings(
        home=tmp_path_factory.mktemp("a home"),
        dicom={"port": dicom, "modalities": (Modality(aet="SAMPLES", host="127.0.0.1"),)},
        orthanc={"http_port": http},
        web={"port": web},
    )


@pytest.fixture(scope="module")
def node(settings: Settings) -> Iterator[OrthancServer]:
    for secret in SecretName:
        settings.secrets.get(secret)
    # DCMTK waits for more when a length promises it, up to this many seconds
    configuration = node_configuration(settings, find_orthanc(settings)) | {"DicomScpTimeout": 1}
    with orthanc(settings.state, **configuration) as server:
        yield server


@pytest.fixture(scope="module")
def items() -> list[Hostile]:
    return list(corpus())


def _peak_mib(node: OrthancServer) -> float:
    status = Path(f"/proc/{node.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


class Sender:
    """Sends encoded data sets as they are, through an association that is made anew whenever it breaks."""

    def __init__(self, node: OrthancServer) -> None:
        self._node = node
        self._association: Association | None = None

    def send(self, item: Hostile) -> int | None:
        """The status of the response; None where the association ended instead."""
        association = self._associate()
        context = next(c for c in association.accepted_contexts if c.transfer_syntax[0] == item.syntax)
        request = C_STORE()
        request.MessageID, request.Priority = 1, 2
        found = re.search(rb"1\.2\.826\.0\.1\.3680043\.10\.\d+\.3", item.data_set)
        request.AffectedSOPClassUID = CT
        request.AffectedSOPInstanceUID = found.group().decode() if found else "1.2.3.4"
        request.DataSet = BytesIO(item.data_set)
        association._reactor_checkpoint.clear()
        association.dimse.send_msg(request, context.context_id)
        response = wait_for(lambda: self._answer(association), "an answer or the end", 60)[0]
        association._reactor_checkpoint.set()
        if response is None:
            association.abort()
            self._association = None
            return None
        return int(response.Status)

    @staticmethod
    def _answer(association: Association) -> tuple[object] | None:
        """The response, or (None,) once the connection is gone."""
        _, response = association.dimse.get_msg(block=False)
        if response is not None:
            return (response,)
        return None if association.dul.state_machine.current_state == DATA_TRANSFER else (None,)

    def _associate(self) -> Association:
        if self._association is None or not self._association.is_established:
            entity = AE(ae_title="SAMPLES")
            entity.dimse_timeout = 30
            for syntax in SYNTAXES:
                entity.add_requested_context(CT, syntax)
            made = entity.associate("127.0.0.1", self._node.dicom_port, ae_title="APPLIANCE")
            assert made.is_established
            self._association = made
        return self._association

    def close(self) -> None:
        if self._association is not None and self._association.is_established:
            self._association.release()


def test_nothing_hostile_gets_in_by_c_store_and_nothing_goes_down(
    settings: Settings, node: OrthancServer, items: list[Hostile]
) -> None:
    sender, seen = Sender(node), defaultdict(Counter)
    folder = QuarantineFolder(settings.quarantine)
    before, held = len(node.get("/instances")), dict[str, int]()
    stored, mended = 0, set[str]()
    for item in items:
        if item.data_set is None or item.kind == "many elements in items":
            continue
        unchanged = folder.changed_at()
        status = sender.send(item)
        found = [] if folder.changed_at() == unchanged else folder.records()
        records = [record for record in found if held.get(record["id"]) != record["times"]]
        held.update({record["id"]: record["times"] for record in records})
        answer = "association ended" if status is None else hex(status) if status else ACCEPTED
        outcome = records[0]["code"] if records else answer
        seen[item.kind][outcome] += 1
        stored += status == 0
        if item.expected != ANYTHING and ACCEPTED not in item.expected:
            if status == 0 or any(record["code"] not in item.expected for record in records):
                mended.add(item.kind)
            assert all(record.get("calling_aet") == "SAMPLES" for record in records)
    sender.close()
    for kind, outcomes in sorted(seen.items()):
        print(f"{kind}: {dict(outcomes)}")
    print(f"Orthanc's peak: {_peak_mib(node):.0f} MiB")
    print(f"written anew by DCMTK: {sorted(mended)}")
    print(f"written anew by DCMTK: {sorted(mended)}")
    assert mended <= MENDED_BY_DCMTK
    assert node.is_ready()
    assert len(node.get("/instances")) - before <= stored
    assert _peak_mib(node) < MOST_MIB


def test_orthanc_takes_no_object_over_http_but_ours(node: OrthancServer, items: list[Hostile]) -> None:
    one_each = {item.kind: item for item in items}.values()
    with httpx.Client(base_url=node.url, auth=node.login, trust_env=False) as client:
        for item in one_each:
            if not item.content:
                continue
            assert client.post("/instances", content=item.content).status_code == 403
            body = b"--X\r\nContent-Type: application/dicom\r\n\r\n" + item.content + b"\r\n--X--\r\n"
            kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=X'}
            assert client.post("/dicom-web/studies", content=body, headers=kind).status_code == 403
        gzip = {"Content-Encoding": "gzip", "X-Appliance-Upload": node.upload_token}
        assert client.post("/instances", content=b"\x1f\x8b" * 1000, headers=gzip).status_code == 403
    assert node.is_ready()
    assert _peak_mib(node) < MOST_MIB


def test_uploads_through_the_appliance_pass_the_same_gate(
    settings: Settings, node: OrthancServer, items: list[Hostile], tmp_path: Path
) -> None:
    appliance, file = Appliance(settings), tmp_path / "part"
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    try:
        for item in items:
            if item.kind in ("random damage", "a deflate bomb", "many elements in items"):
                continue
            file.write_bytes(item.content)
            refusal = appliance.quarantine_desk.upload(file).refusal
            outcome = refusal.code if isinstance(refusal, KeptOut) else ACCEPTED  # or Orthanc refuses it in good order
            outcomes[item.kind][outcome] += 1
            assert outcome in item.expected, item.kind
        held = appliance.quarantine.latest(limit=10_000)
        assert {each.code for each in held} >= {"gate-nesting", "gate-structure", "gate-uid-invalid"}
    finally:
        appliance.close()
    assert node.is_ready()
    assert _peak_mib(node) < MOST_MIB


def test_a_folder_of_them_is_read_to_its_end(settings: Settings, items: list[Hostile], tmp_path: Path) -> None:
    appliance = Appliance(settings)
    try:
        kinds = {}
        for number, item in enumerate(items):
            (tmp_path / f"{number:04d}").write_bytes(item.content)
            kinds[f"{number:04d}"] = item
        with open_input(tmp_path, read=appliance.read_instance) as found:
            for left in found.left_out:
                item = kinds[left.name]
                if left.refusal is not None and item.expected != ANYTHING and ACCEPTED not in item.expected:
                    assert left.refusal.code in item.expected, (item.kind, left.reason)
            names = {path.name for path in found.paths.values()}
        assert all(ACCEPTED in kinds[name].expected or kinds[name].expected == ANYTHING for name in names)
    finally:
        appliance.close()


@pytest.mark.shared
def test_real_malformed_objects_take_nothing_down(
    settings: Settings, node: OrthancServer, shared_data: Path, tmp_path: Path
) -> None:
    appliance = Appliance(settings)
    try:
        for path in sorted((shared_data / "malformed").iterdir()):
            copy = Path(shutil.copy(path, tmp_path))
            refusal = appliance.quarantine_desk.upload(copy).refusal
            print(path.name, refusal.code if refusal else ACCEPTED)
            assert node.is_ready()
    finally:
        appliance.close()
    assert _peak_mib(node) < MOST_MIB
