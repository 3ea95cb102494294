"""The generated configuration and the plugin in a real Orthanc: who is let in, and what is announced."""

import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from appliance.node.orthanc_config import node_configuration
from appliance.node.sender import send
from appliance.node.system import find_orthanc
from appliance.settings import Modality, SecretName, Settings
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.receiver import Receiver
from tests.helpers.services import OrthancServer, free_ports, orthanc, orthanc_settings, program, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.orthanc]

KNOWN = (Modality(aet="SAMPLES", host="127.0.0.1"), Modality(aet="ELSEWHERE", host="192.0.2.1"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    program("Orthanc")
    dicom, http, web = free_ports(3)
    return Settings(
        home=tmp_path_factory.mktemp("a home"),
        dicom={"port": dicom, "modalities": KNOWN},
        orthanc={"http_port": http, **orthanc_settings()},
        web={"port": web},
    )


Start = Callable[[], AbstractContextManager[OrthancServer]]


@pytest.fixture(scope="module")
def start(settings: Settings) -> Start:
    for secret in SecretName:
        settings.secrets.get(secret)
    configuration = node_configuration(settings, find_orthanc(settings))
    return lambda: orthanc(settings.state, **configuration)


@pytest.fixture(scope="module")
def node(start: Start) -> Iterator[OrthancServer]:
    """The node's Orthanc, while nobody takes its announcements."""
    with start() as server:
        yield server


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return list(save(ct_series(blob_phantom()), tmp_path_factory.mktemp("ct")).values())


def _dcmtk(name: str, node: OrthancServer, *arguments: str) -> int:
    command = [program(name), *arguments[:4], "127.0.0.1", str(node.dicom_port), *arguments[4:]]
    return subprocess.run(command, env=os.environ | {"TCP_NODELAY": "1"}, capture_output=True, check=False).returncode


def test_a_known_sender_may_echo_and_store(node: OrthancServer, files: list[Path]) -> None:
    assert _dcmtk("echoscu", node, "-aet", "SAMPLES", "-aec", "APPLIANCE") == 0
    assert _dcmtk("storescu", node, "-aet", "SAMPLES", "-aec", "APPLIANCE", str(files[0])) == 0
    assert len(node.get("/instances")) == 1


@pytest.mark.parametrize(
    ("calling", "called"),
    [("STRANGER", "APPLIANCE"), ("SAMPLES", "ORTHANC"), ("ELSEWHERE", "APPLIANCE"), ("samples", "APPLIANCE")],
    ids=["unknown sender", "wrong called AE title", "wrong address", "wrong case"],
)
def test_nobody_else_may(node: OrthancServer, files: list[Path], calling: str, called: str) -> None:
    before = node.get("/instances")
    assert _dcmtk("echoscu", node, "-aet", calling, "-aec", called) != 0
    assert _dcmtk("storescu", node, "-aet", calling, "-aec", called, str(files[1])) != 0
    assert node.get("/instances") == before


def test_a_sender_may_not_query_or_fetch(node: OrthancServer) -> None:
    entity = AE(ae_title="SAMPLES")
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    query = Dataset()
    query.QueryRetrieveLevel, query.PatientID = "STUDY", "*"
    association = entity.associate("127.0.0.1", node.dicom_port, ae_title="APPLIANCE")
    answers = association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind)
    statuses = {status.get("Status") for status, _ in answers}
    association.abort()
    assert statuses.isdisjoint({0x0000, 0xFF00, 0xFF01})


def test_http_asks_for_a_password(node: OrthancServer) -> None:
    assert node.get("/system")["Version"]
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(f"{node.url}/system", timeout=10)
    refused.value.close()


def test_orthanc_understands_the_whole_configuration(node: OrthancServer) -> None:
    assert "Orthanc has started" in node.log
    assert [line for line in node.log.splitlines() if "!!!" in line or line.startswith("E")] == []


def test_what_selection_reads_is_in_the_index(node: OrthancServer) -> None:
    system = node.get("/system")
    if "MainDicomTags" not in system:
        pytest.skip(f"Orthanc {system['Version']} indexes its own tags only")
    indexed = {level: tags.split(";") for level, tags in system["MainDicomTags"].items()}
    assert {"0028,0010", "0028,0301"} <= set(indexed["Instance"]), "Rows, Burned In Annotation"
    assert {"0018,5101", "0018,0050"} <= set(indexed["Series"]), "View Position, Slice Thickness"


def test_http_answers_this_machine_only(node: OrthancServer) -> None:
    address = socket.gethostbyname(socket.gethostname())
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    with pytest.raises((urllib.error.HTTPError, urllib.error.URLError)) as refused:
        urllib.request.urlopen(f"http://{address}:{node.http_port}/system", timeout=10)
    if isinstance(refused.value, urllib.error.HTTPError):
        assert refused.value.code == 403
        refused.value.close()


def test_answers_are_never_compressed(node: OrthancServer) -> None:
    instance = node.get("/instances")[0]
    request = urllib.request.Request(f"{node.url}/instances/{instance}/file", headers={"Accept-Encoding": "gzip"})
    request.add_header("Authorization", node.authorization)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Content-Encoding"] is None


def test_c_store_does_not_wait_for_the_web_service(
    settings: Settings, start: Start, node: OrthancServer, files: list[Path]
) -> None:
    """Everything is stored while nobody listens; what was announced meanwhile arrives once somebody does."""
    assert send(settings, files) == len(files)
    assert sorted(node.get("/instances")) != []
    receiver = Receiver(settings.web.port)
    try:
        wait_for(lambda: set(receiver.ids) == set(node.get("/instances")), "announcements of everything stored")
        by_association = [item for batch in receiver.batches for item in batch]
        assert {(item["aet"], item["ip"], item["called"]) for item in by_association} == {
            ("SAMPLES", "127.0.0.1", "APPLIANCE")
        }
        assert set(receiver.tokens) == {f"Bearer {settings.secrets.get(SecretName.ANNOUNCEMENTS)}"}
    finally:
        receiver.close()


def test_an_instance_that_is_here_already_is_not_announced_again(
    settings: Settings, node: OrthancServer, files: list[Path]
) -> None:
    receiver = Receiver(settings.web.port)
    try:
        send(settings, files)
        node.post_instance(files[0])
        assert receiver.batches == []
    finally:
        receiver.close()
