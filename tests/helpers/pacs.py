"""PACS that behave as a test tells them: one that speaks DIMSE (pynetdicom), one that speaks STOW-RS and QIDO-RS.

    with scripted_pacs() as pacs:
        pacs.statuses += [0xB000]       # the next C-STORE answers, then success
        pacs.forgets = True             # says success and keeps nothing

Both keep what they were sent in `stored`: SOP Instance UID -> data set bytes after the file meta.
"""

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind, Verification

from appliance.delivery.destinations import Destination, Protocol
from appliance.delivery.sender import Parcel
from tests.helpers.services import free_port

SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, "1.2.840.10008.1.2.5")
EVERYTHING = (
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.88.22",
    "1.2.840.10008.5.1.4.1.1.88.34",
    "1.2.840.10008.5.1.4.1.1.88.59",
    "1.2.840.10008.5.1.4.1.1.104.1",
)
"""Storage classes that the scripted PACS accepts unless told otherwise; the label map is not among them."""

connection_refused = pytest.mark.filterwarnings(
    # pynetdicom drops the socket of a connection that was refused without closing it
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
_PREAMBLE_AND_GROUP_LENGTH = 128 + 4 + 12


@dataclass(kw_only=True)
class ScriptedPacs:
    """A storage and query SCP."""

    port: int
    statuses: list[int] = field(default_factory=list)
    forgets: bool = False
    abort_after: int | None = None
    hold: threading.Event = field(default_factory=threading.Event)
    stored: dict[str, bytes] = field(default_factory=dict)
    identities: dict[str, tuple[str, str]] = field(default_factory=dict)
    syntaxes: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    received: int = 0
    queries: int = 0
    associations: int = 0
    entity: Any = field(default=None, repr=False)

    @property
    def destination(self) -> Destination:
        """How the appliance reaches it."""
        return Destination(name="pacs", kind=Protocol.DIMSE, host="127.0.0.1", port=self.port, aet="PACS")

    def accept_from(self, calling_aet: str) -> None:
        """Reject associations of everybody else."""
        self.entity.require_calling_aet = [calling_aet]

    def on_store(self, event: Any) -> int:
        """C-STORE."""
        self.hold.wait()
        self.received += 1
        if self.abort_after is not None and self.received > self.abort_after:
            event.assoc.abort()
            return 0x0110
        status = self.statuses.pop(0) if self.statuses else 0
        if not self.forgets and (status == 0 or status >> 12 == 0xB):
            dataset = event.dataset
            uid = str(event.request.AffectedSOPInstanceUID)
            self.stored[uid] = event.request.DataSet.getvalue()
            self.identities[uid] = str(dataset.StudyInstanceUID), str(dataset.SeriesInstanceUID)
            self.syntaxes[uid] = str(event.context.transfer_syntax)
        return status

    def on_find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        """C-FIND at the level of instances, for one SOP Instance UID or a list of them."""
        self.queries += 1
        asked = event.identifier.SOPInstanceUID
        wanted = [asked] if isinstance(asked, str) else list(asked)
        study, series = str(event.identifier.StudyInstanceUID), str(event.identifier.SeriesInstanceUID)
        for uid in map(str, wanted):
            if uid in self.stored and uid not in self.hidden and self.identities[uid] == (study, series):
                found = Dataset()
                found.QueryRetrieveLevel = "IMAGE"
                found.StudyInstanceUID, found.SeriesInstanceUID, found.SOPInstanceUID = study, series, uid
                yield 0xFF00, found

    def on_association(self, event: Any) -> None:
        """Count those that were accepted."""
        self.associations += 1


@contextlib.contextmanager
def scripted_pacs(
    classes: Sequence[str] = EVERYTHING, syntaxes: Sequence[str] = SYNTAXES, port: int | None = None
) -> Iterator[ScriptedPacs]:
    """Run a PACS on a free port."""
    pacs = ScriptedPacs(port=port or free_port())
    pacs.hold.set()
    entity = pacs.entity = AE(ae_title="PACS")
    entity.maximum_pdu_size = 0
    for sop_class in classes:
        entity.add_supported_context(sop_class, list(syntaxes))
    entity.add_supported_context(Verification)
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    handlers = [
        (evt.EVT_C_STORE, pacs.on_store),
        (evt.EVT_C_FIND, pacs.on_find),
        (evt.EVT_C_ECHO, lambda _: 0),
        (evt.EVT_ESTABLISHED, pacs.on_association),
    ]
    server = entity.start_server(("127.0.0.1", pacs.port), block=False, evt_handlers=handlers)
    try:
        yield pacs
    finally:
        pacs.hold.set()
        server.shutdown()
        _await_end_of_threads(entity)


def _await_end_of_threads(entity: AE) -> None:
    deadline = time.monotonic() + 10
    while entity.active_associations and time.monotonic() < deadline:
        time.sleep(0.02)


class ScriptedWeb:
    """A STOW-RS and QIDO-RS service. `answers`: (HTTP status, Failure or Warning Reason) of the next requests; the
    status 0 cuts the connection.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, int | None]] = []
        self.stored: dict[str, bytes] = {}
        self.forgets = False
        self.requests = 0
        self.logins: list[str | None] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                service.store(self)

            def do_GET(self) -> None:
                service.find(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def destination(self) -> Destination:
        """How the appliance reaches it."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}/dicom-web"
        return Destination(name="web", kind=Protocol.STOW, url=url)

    def store(self, request: BaseHTTPRequestHandler) -> None:
        """STOW-RS, one object a request."""
        self.requests += 1
        self.logins.append(request.headers["Authorization"])
        body = request.rfile.read(int(request.headers["Content-Length"]))
        status, reason = self.answers.pop(0) if self.answers else (200, None)
        if status == 0:
            request.close_connection = True
            return
        head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
        (part,) = BytesParser().parsebytes(head + body).get_payload()
        content = part.get_payload(decode=True)
        dataset = dcmread(BytesIO(content), stop_before_pixels=True)
        uid, sop_class = str(dataset.SOPInstanceUID), str(dataset.SOPClassUID)
        if status < 300 and not self.forgets:
            self.stored[uid] = dataset_bytes(content)
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        answer = Dataset()
        if status >= 300:
            item.FailureReason = reason or 0x0110
            answer.FailedSOPSequence = [item]
        else:
            if reason is not None:
                item.WarningReason = reason
            answer.ReferencedSOPSequence = [item]
        self._say(request, status, answer.to_json_dict())

    def find(self, request: BaseHTTPRequestHandler) -> None:
        """QIDO-RS for instances by SOP Instance UID, and for any study (an echo)."""
        query = urlsplit(request.path).query
        uid = query.partition("SOPInstanceUID=")[2].partition("&")[0]
        found = [{"00080018": {"vr": "UI", "Value": [uid]}}] if uid in self.stored else []
        self._say(request, 200 if found else 204, found)

    def _say(self, request: BaseHTTPRequestHandler, status: int, content: Any) -> None:
        body = json.dumps(content).encode() if status != 204 else b""
        request.send_response(status)
        request.send_header("Content-Type", "application/dicom+json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextlib.contextmanager
def scripted_web() -> Iterator[ScriptedWeb]:
    """Run a web PACS on a free port."""
    service = ScriptedWeb()
    try:
        yield service
    finally:
        service.close()


def dataset_bytes(content: bytes) -> bytes:
    """What follows the file meta of a Part 10 file."""
    length = dcmread(BytesIO(content), stop_before_pixels=True).file_meta.FileMetaInformationGroupLength
    return content[_PREAMBLE_AND_GROUP_LENGTH + length :]


def parcel(dataset: Dataset, folder: Path) -> Parcel:
    """The object as a file, ready to send."""
    file = folder / f"{dataset.SOPInstanceUID}.dcm"
    dcmwrite(file, dataset, enforce_file_format=True)
    return Parcel(
        file=file,
        sop_class_uid=str(dataset.SOPClassUID),
        sop_instance_uid=str(dataset.SOPInstanceUID),
        transfer_syntax_uid=str(dataset.file_meta.TransferSyntaxUID),
    )
