"""The hostile corpus against real services: refused for what it is, or handled; nothing goes down."""

import re
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE

from appliance.bootstrap import Appliance
from appliance.domain.errors import KeptOut
from appliance.gate.quarantine import QuarantineFolder
from appliance.node.environment import MARK, service_environment
from appliance.node.orthanc_config import node_configuration
from appliance.node.services import prepare_services
from appliance.node.system import find_orthanc
from appliance.settings import Modality, SecretName, Settings
from appliance.store.engine import open_ledger
from appliance.study.files import open_input
from appliance.web.dicomweb.stow_answer import failure_reason
from tests.helpers.hostile import ACCEPTED, ANYTHING, BIG, CT, IMPLICIT, JPEG, LITTLE, MENDED_BY_DCMTK, Hostile, corpus
from tests.helpers.memory import Peaks
from tests.helpers.services import OrthancServer, free_ports, orthanc, program, stop, wait_for

pytestmark = pytest.mark.integration

MOST_MIB = {
    # its storage cache (256 MiB as set here) full, twice an object of the corpus for each of its HTTP threads, and as
    # much again for the heap that glibc keeps
    "orthanc": 1024,
    # the imported program (250 MiB, most of it libraries that it shares with the workers) and as much again: never more
    # than a chunk of a request, and the pages of a file of 4 MB while a refused one is hashed
    "web": 512,
    # the imported program, and headers of what was accepted, which the gate's limits on elements bound
    "worker-planning": 512,
    # pydicom and the decoders (120 MiB), and what a deflated data set may inflate to (gate.inflated_mib: 128 MiB) three
    # times: zlib doubles its buffer as it goes, and copies it to its size at the end; the rest is the walker's tables
    "children": 640,
    # no object at all
    "redis": 128,
    "scheduler": 384,
}
DATA_TRANSFER = "Sta6"  # PS3.8 table 9-10
REFUSALS = {error.code: error for error in KeptOut.__subclasses__()}
SYNTAXES = (LITTLE, IMPLICIT, BIG, JPEG)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    program("Orthanc")
    dicom, http, web, redis = free_ports(4)
    return Settings(
        home=tmp_path_factory.mktemp("a home"),
        dicom={"port": dicom, "modalities": (Modality(aet="SAMPLES", host="127.0.0.1"),)},
        orthanc={"http_port": http},
        redis={"port": redis},
        web={"port": web},
    )


@pytest.fixture(scope="module")
def services(settings: Settings) -> Iterator[dict[str, int]]:
    """Redis, web service, planning worker and scheduler, by pid: what touches an object that Orthanc announces."""
    commands = {service.name: service.command for service in prepare_services(settings, demo=False)}
    open_ledger(settings.ledger_url).close()
    environment = {key: value for key, value in service_environment(settings).items() if key != MARK}
    running = {}
    with ExitStack() as stack:
        for name in ("redis", "web", "worker-planning", "scheduler"):
            log = stack.enter_context((settings.state / f"{name}.log").open("ab"))
            running[name] = subprocess.Popen(
                commands[name], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            stack.callback(stop, running[name])
        wait_for(lambda: _answers(f"{_web(settings)}/health"), "the web service")
        yield {name: process.pid for name, process in running.items()}
        assert all(process.poll() is None for process in running.values()), "a service went down"


def _web(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.web.port}"


def _answers(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(url, trust_env=False).status_code == 200
    return False


@pytest.fixture(scope="module")
def node(settings: Settings, services: dict[str, int]) -> Iterator[OrthancServer]:
    # DCMTK waits for more when a length promises it, up to this many seconds
    configuration = node_configuration(settings, find_orthanc(settings)) | {"DicomScpTimeout": 1}
    with orthanc(settings.state, **configuration) as server:
        yield server


@pytest.fixture(scope="module")
def peaks(node: OrthancServer, services: dict[str, int]) -> Peaks:
    return Peaks({"orthanc": node.process.pid, **services})


@pytest.fixture(autouse=True)
def _look(peaks: Peaks) -> Iterator[None]:
    yield
    peaks.look()


@pytest.fixture(scope="module")
def items() -> list[Hostile]:
    return list(corpus())


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
    print(f"written anew by DCMTK: {sorted(mended)}")
    assert mended <= MENDED_BY_DCMTK
    assert node.is_ready()
    assert len(node.get("/instances")) - before <= stored


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


def test_stow_tells_of_each_why_it_failed_and_the_service_lives(
    settings: Settings, node: OrthancServer, items: list[Hostile], peaks: Peaks
) -> None:
    kind = 'multipart/related; type="application/dicom"; boundary=hostile-corpus'
    headers = {"Content-Type": kind, "Authorization": f"Bearer {settings.secrets.get(SecretName.UPLOADS)}"}
    seen: dict[str, Counter[int]] = defaultdict(Counter)
    with httpx.Client(base_url=_web(settings), headers=headers, trust_env=False, timeout=60) as client:
        for number, item in enumerate(items):
            head = b"--hostile-corpus\r\nContent-Type: application/dicom\r\n\r\n"
            body = head + item.content + b"\r\n--hostile-corpus--"
            answer = client.post("/dicom-web/studies", content=body)
            seen[item.kind][answer.status_code] += 1
            assert answer.status_code in (200, 202, 409), (item.kind, answer.text)
            told = Dataset.from_json(answer.json())
            failed = [*told.get("FailedSOPSequence", []), *told.get("OtherFailuresSequence", [])]
            if item.expected != ANYTHING and ACCEPTED not in item.expected:
                (failure,) = failed
                assert failure.FailureReason in {failure_reason(REFUSALS[code]()) for code in item.expected}, item.kind
            if number % 20 == 0:
                peaks.look()
    for name, statuses in sorted(seen.items()):
        print(f"STOW, {name}: {dict(statuses)}")
    assert httpx.get(f"{_web(settings)}/health", trust_env=False).status_code == 200
    assert node.is_ready()
    assert not list(settings.upload_spool.iterdir())


def test_what_came_in_is_read_or_set_aside_and_memory_stays_bounded(
    settings: Settings, node: OrthancServer, peaks: Peaks
) -> None:
    appliance = Appliance(settings)
    try:
        stored = node.get("/instances")

        def dealt_with() -> bool:
            peaks.look()
            return appliance.instances.known(stored).keys() >= set(stored)

        wait_for(dealt_with, "the planning worker to read what came in", 120)
    finally:
        appliance.close()
    print("peak RSS:", ", ".join(f"{name} {mib:.0f} MiB" for name, mib in sorted(peaks.mib.items())))
    assert {name for name, mib in peaks.mib.items() if not 0 < mib < MOST_MIB[name]} == set()
