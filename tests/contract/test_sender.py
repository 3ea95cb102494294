"""What every way of sending promises, on real peers: storescp, a pynetdicom SCP, Orthanc by STOW-RS and by REST."""

import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from appliance.delivery.destinations import Destination, Protocol
from appliance.delivery.dimse import DimseSender
from appliance.delivery.orthanc import OrthancSender
from appliance.delivery.sender import Answer, Outcome, Parcel, Sender
from appliance.delivery.stow import StowSender
from appliance.domain.identifiers import derived_uid
from appliance.results import ResultOptions, SegmentationEncoding, build_results
from appliance.study.orthanc import OrthancClient
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.findings import DEVICE, analysis_of, package, segment, stack_images
from tests.helpers.pacs import EVERYTHING, connection_refused, dataset_bytes, parcel, scripted_pacs, scripted_web
from tests.helpers.services import OrthancServer, free_port, orthanc, plugin, program, stop, wait_for

pytestmark = pytest.mark.integration
PEERS = ("storescp", "scp", "stow", "orthanc")


@dataclass(kw_only=True)
class Peer:
    """A way to a peer, and what the peer has: data set bytes by SOP Instance UID."""

    port: int
    sender: Sender
    stored: Callable[[str], bytes | None] = field(repr=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    dicomweb = str(plugin("libOrthancDicomWeb.so"))
    with orthanc(tmp_path_factory.mktemp("an orthanc"), Plugins=[dicomweb], OverwriteInstances=False) as running:
        yield running


@pytest.fixture(params=PEERS)
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peer]:
    with contextlib.ExitStack() as stack:
        if request.param == "storescp":
            yield stack.enter_context(_storescp(tmp_path / "received"))
        elif request.param == "scp":
            pacs = stack.enter_context(scripted_pacs())
            yield Peer(port=pacs.port, sender=DimseSender(pacs.destination), stored=pacs.stored.get)
        else:
            running: OrthancServer = request.getfixturevalue("server")
            client = stack.enter_context(OrthancClient(running.url))
            yield Peer(
                port=running.http_port,
                sender=OrthancSender(client) if request.param == "orthanc" else StowSender(_web(running.dicomweb)),
                stored=lambda uid: _in_orthanc(running, uid),
            )


def _web(url: str) -> Destination:
    return Destination(name="web", kind=Protocol.STOW, url=url)


@contextlib.contextmanager
def _storescp(folder: Path, *options: str) -> Iterator[Peer]:
    """DCMTK's, which writes what it reads, byte by byte."""
    folder.mkdir()
    port = free_port()
    command = [program("storescp"), "--bit-preserving", *options, "--output-directory", str(folder), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _listens(port), "storescp")
        yield Peer(
            port=port,
            sender=DimseSender(_dimse(port)),
            stored=lambda uid: next((dataset_bytes(f.read_bytes()) for f in folder.glob(f"*{uid}")), None),
        )
    finally:
        stop(process)


def _dimse(port: int) -> Destination:
    return Destination(name="pacs", kind=Protocol.DIMSE, host="127.0.0.1", port=port, aet="PACS")


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _in_orthanc(server: OrthancServer, uid: str) -> bytes | None:
    with OrthancClient(server.url) as client:
        found = client._json("POST", "/tools/find", json={"Level": "Instance", "Query": {"SOPInstanceUID": uid}})
        target = server.folder / "downloaded.dcm"
        return dataset_bytes(target.read_bytes()) if found and client.download(found[0], target) else None


def slices(count: int, folder: Path) -> list[Parcel]:
    """`count` small CT objects that nobody has seen before."""
    seed = derived_uid("contract", str(folder))
    return [parcel(item, folder) for item in ct_series(blob_phantom((count, 8, 8)), seed=seed)]


def outcomes(answers: Iterator[Answer]) -> list[Outcome]:
    return [answer.outcome for answer in answers]


def test_what_was_accepted_is_there_byte_by_byte(peer: Peer, tmp_path: Path) -> None:
    parcels = slices(3, tmp_path)
    assert list(peer.sender.send(parcels)) == [Answer(Outcome.ACCEPTED)] * 3
    for item in parcels:
        assert peer.stored(item.sop_instance_uid) == dataset_bytes(item.file.read_bytes())


def test_sending_twice_is_success(peer: Peer, tmp_path: Path) -> None:
    parcels = slices(2, tmp_path)
    assert outcomes(peer.sender.send(parcels)) == outcomes(peer.sender.send(parcels)) == [Outcome.ACCEPTED] * 2


def test_small_writes_do_not_wait_for_acknowledgements(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: list[int] = []

    def watching(name: str) -> Callable[..., object]:
        original = getattr(socket.socket, name)

        def send(connection: socket.socket, *arguments: object) -> object:
            with contextlib.suppress(OSError):
                if connection.getpeername()[1] == peer.port:
                    options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            return original(connection, *arguments)

        return send

    for name in ("send", "sendall"):
        monkeypatch.setattr(socket.socket, name, watching(name), raising=False)
    assert outcomes(peer.sender.send(slices(1, tmp_path))) == [Outcome.ACCEPTED]
    assert options
    assert all(options)


@connection_refused
@pytest.mark.parametrize("way", ["dimse", "stow", "orthanc"])
def test_a_peer_that_is_down_is_unavailable_for_each_parcel(way: str, tmp_path: Path) -> None:
    port = free_port()
    with OrthancClient(f"http://127.0.0.1:{port}") as client:
        senders: dict[str, Sender] = {
            "dimse": DimseSender(_dimse(port)),
            "stow": StowSender(_web(f"http://127.0.0.1:{port}/dicom-web")),
            "orthanc": OrthancSender(client),
        }
        answers = list(senders[way].send(slices(2, tmp_path)))
    assert [answer.outcome for answer in answers] == [Outcome.UNAVAILABLE] * 2
    assert all(answer.code and answer.detail for answer in answers)


@pytest.mark.parametrize("when", ["--abort-after", "--abort-during"])
def test_an_association_that_dcmtk_aborts_loses_nothing(when: str, tmp_path: Path) -> None:
    with _storescp(tmp_path / "received", when) as peer:
        assert outcomes(peer.sender.send(slices(3, tmp_path))) == [Outcome.UNAVAILABLE] * 3


def test_an_association_aborted_midway_answers_for_the_rest(tmp_path: Path) -> None:
    parcels = slices(3, tmp_path)
    with scripted_pacs() as pacs:
        pacs.abort_after = 1
        assert outcomes(DimseSender(pacs.destination).send(parcels)) == [Outcome.ACCEPTED] + [Outcome.UNAVAILABLE] * 2
        pacs.abort_after = None
        assert outcomes(DimseSender(pacs.destination).send(parcels[1:])) == [Outcome.ACCEPTED] * 2
        assert pacs.stored.keys() == {item.sop_instance_uid for item in parcels}


def test_a_web_connection_cut_midway_answers_for_the_rest(tmp_path: Path) -> None:
    parcels = slices(3, tmp_path)
    with scripted_web() as web:
        web.answers = [(200, None), (0, None)]
        sender = StowSender(web.destination)
        assert outcomes(sender.send(parcels)) == [Outcome.ACCEPTED] + [Outcome.UNAVAILABLE] * 2
        assert web.requests == 2
        assert outcomes(sender.send(parcels[1:])) == [Outcome.ACCEPTED] * 2
        assert web.stored.keys() == {item.sop_instance_uid for item in parcels}


def test_a_dimse_warning_is_kept(tmp_path: Path) -> None:
    with scripted_pacs() as pacs:
        pacs.statuses = [0xB000]
        (answer,) = DimseSender(pacs.destination).send(slices(1, tmp_path))
    assert answer == Answer(Outcome.ACCEPTED, "B000", "elements were coerced")


def test_a_web_warning_is_kept(tmp_path: Path) -> None:
    with scripted_web() as web:
        web.answers = [(202, 0xB006)]
        (answer,) = StowSender(web.destination).send(slices(1, tmp_path))
    assert answer == Answer(Outcome.ACCEPTED, "B006", "elements were discarded")


def test_a_dimse_refusal_is_kept_and_the_others_go_through(tmp_path: Path) -> None:
    with scripted_pacs() as pacs:
        pacs.statuses = [0xA900]
        refused, accepted = DimseSender(pacs.destination).send(slices(2, tmp_path))
    assert refused == Answer(Outcome.REFUSED, "A900", "the data set does not match its SOP class")
    assert accepted == Answer(Outcome.ACCEPTED)


def test_a_web_refusal_is_kept_and_the_others_go_through(tmp_path: Path) -> None:
    with scripted_web() as web:
        web.answers = [(409, 0xC000)]
        refused, accepted = StowSender(web.destination).send(slices(2, tmp_path))
    assert refused == Answer(Outcome.REFUSED, "C000", "cannot understand")
    assert accepted == Answer(Outcome.ACCEPTED)


def test_orthanc_refuses_what_is_no_dicom_and_takes_no_other_content_for_a_known_uid(
    server: OrthancServer, tmp_path: Path
) -> None:
    first, second = slices(2, tmp_path)
    with OrthancClient(server.url) as client:
        list(OrthancSender(client).send([first]))
        first.file.write_bytes(first.file.read_bytes()[:-2] + b"\1\1")
        second.file.write_bytes(b"no DICOM")
        conflict, refused = OrthancSender(client).send([first, second])
    assert (conflict.outcome, conflict.code) == (Outcome.REFUSED, "destination-conflict")
    assert (refused.outcome, refused.code) == (Outcome.REFUSED, "destination-refused")


def test_an_association_that_is_refused_says_what_to_check(tmp_path: Path) -> None:
    with _storescp(tmp_path / "received", "--refuse") as peer:
        (answer,) = peer.sender.send(slices(1, tmp_path))
    assert answer.outcome is Outcome.UNAVAILABLE
    assert "AE titles" in answer.detail


@pytest.fixture(scope="module")
def label_map() -> Dataset:
    images = stack_images(blob_phantom())
    findings = (segment(images.sources[0].voxels > 200),)
    options = ResultOptions(segmentation=SegmentationEncoding.LABELMAP)
    (result,) = build_results(analysis_of(images, findings), images, package(("SEG",)), DEVICE, options=options)
    return dcmread(BytesIO(result.content))


def test_a_label_map_for_a_peer_without_that_class_is_refused_with_a_readable_reason(
    label_map: Dataset, tmp_path: Path
) -> None:
    mixed = [parcel(label_map, tmp_path), *slices(1, tmp_path)]
    with _storescp(tmp_path / "received") as peer:
        answers = list(peer.sender.send(mixed))
    assert [answer.outcome for answer in answers] == [Outcome.REFUSED, Outcome.ACCEPTED]
    assert answers[0].detail == "no presentation context for the SOP class Label Map Segmentation Storage"


def test_a_compressed_label_map_is_unpacked_for_a_peer_that_knows_native_syntaxes_only(
    label_map: Dataset, tmp_path: Path
) -> None:
    classes = (*EVERYTHING, str(label_map.SOPClassUID))
    with scripted_pacs(classes, syntaxes=("1.2.840.10008.1.2",)) as pacs:
        assert outcomes(DimseSender(pacs.destination).send([parcel(label_map, tmp_path)])) == [Outcome.ACCEPTED]
        assert set(pacs.syntaxes.values()) == {"1.2.840.10008.1.2"}


def test_another_aet_does_not_matter_to_the_parcels(tmp_path: Path) -> None:
    with scripted_pacs() as pacs:
        sender = DimseSender(replace(pacs.destination, calling_aet="OTHER"))
        assert outcomes(sender.send(slices(1, tmp_path))) == [Outcome.ACCEPTED]
