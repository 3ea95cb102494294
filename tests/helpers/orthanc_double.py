"""A stand-in for Orthanc, as far as `study.orthanc.OrthancClient` asks it: objects, a change feed, and faults on order.

    with orthanc_double() as node:
        node.receive(content, calling_aet="CT1")     # what a modality would do; returns Orthanc's identifier
        node.fail_next(500)                          # the next answer

tests/contract/test_orthanc_client.py holds it against a real Orthanc.
"""

import contextlib
import hashlib
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydicom import Dataset, dcmread, dcmwrite
from pydicom.errors import InvalidDicomError


def encoded(item: Dataset) -> bytes:
    """The dataset as a file."""
    buffer = BytesIO()
    dcmwrite(buffer, item, enforce_file_format=True)
    return buffer.getvalue()


def orthanc_id(item: Dataset) -> str:
    """Orthanc's identifier of an instance: sha1 of its identifiers, as five groups of eight digits."""
    parts = (item.get("PatientID", ""), item.StudyInstanceUID, item.SeriesInstanceUID, item.SOPInstanceUID)
    return hashed(*map(str, parts))


def hashed(*parts: str) -> str:
    """How Orthanc makes an identifier of UIDs: patient and study give that of the study."""
    digest = hashlib.sha1("|".join(parts).encode()).hexdigest()
    return "-".join(digest[start : start + 8] for start in range(0, 40, 8))


@dataclass
class OrthancDouble:
    """What is stored, and what happened. `requests` are the paths that were asked for."""

    url: str = ""
    login: tuple[str, str] | None = None
    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    parents: dict[str, tuple[str, str]] = field(default_factory=dict)
    studies: dict[str, str] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    now: str = "20261123T120000"
    feed: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    faults: list[int] = field(default_factory=list)
    cut_short: bool = False

    def receive(self, item: Dataset, *, calling_aet: str = "SAMPLES", at: str = "") -> str:
        """Store an object as if it had come by C-STORE; one that is here already changes nothing."""
        uid = orthanc_id(item)
        if uid not in self.objects:
            self.metadata[uid] = {
                "ReceptionDate": at or self.now,
                "RemoteAET": calling_aet,
                "CalledAET": "APPLIANCE",
                "RemoteIP": "127.0.0.1",
            }
            self.objects[uid] = encoded(item)
            self._belongs(uid, item)
            self._change("NewInstance", uid)
        return uid

    def _belongs(self, uid: str, item: Dataset) -> None:
        patient, study = str(item.get("PatientID", "")), str(item.StudyInstanceUID)
        parents = hashed(patient, study), hashed(patient, study, str(item.SeriesInstanceUID))
        self.settled.discard(parents[0])
        self.parents[uid], self.studies[parents[0]] = parents, study

    def replace(self, item: Dataset, *, at: str) -> str:
        """Store other content under the same identifiers, as Orthanc does where it may overwrite."""
        self.objects.pop(orthanc_id(item), None)
        return self.receive(item, at=at)

    def forget(self, uid: str) -> None:
        """Delete an instance."""
        del self.objects[uid], self.metadata[uid]
        self._change("Deleted", uid)

    def begin_anew(self) -> None:
        """Lose the index: nothing is here, and the change feed counts from 1 again."""
        self.objects.clear()
        self.metadata.clear()
        self.feed.clear()

    def stable(self, item: Dataset) -> None:
        """Nothing of the study of `item` came for the stable age."""
        study = hashed(str(item.get("PatientID", "")), str(item.StudyInstanceUID))
        self.settled.add(study)
        self._change("StableStudy", study)

    def fail_next(self, *statuses: int) -> None:
        """Answer the next requests with these statuses; 0 stands for the true answer."""
        self.faults.extend(statuses)

    def _change(self, kind: str, uid: str) -> None:
        self.feed.append({"Seq": len(self.feed) + 1, "ChangeType": kind, "ID": uid})

    def _get(self, path: str, query: dict[str, list[str]]) -> Any:
        if path == "/changes":
            if "last" in query:
                return {"Changes": self.feed[-1:], "Done": True, "Last": len(self.feed)}
            since, limit = int(query["since"][0]), int(query["limit"][0])
            page = self.feed[since : since + limit]
            last = page[-1]["Seq"] if page else since
            return {"Changes": page, "Done": since + limit >= len(self.feed), "Last": last}
        kind, _, uid = path.lstrip("/").partition("/")
        if kind == "studies" and uid in self.studies:
            return {"Series": sorted({self.parents[i][1] for i in self.objects if self.parents[i][0] == uid})} | {
                "IsStable": uid in self.settled,
                "MainDicomTags": {"StudyInstanceUID": self.studies[uid]},
            }
        if kind == "series":
            found = sorted(i for i in self.objects if self.parents[i][1] == uid)
            return {"Instances": found} if found else None
        if path == "/system":
            return {"Version": "double", "DicomAet": "ORTHANC"}
        if path == "/statistics":
            return {"CountInstances": len(self.objects)}
        return None

    def _post(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/tools/bulk-content":
            wanted = json.loads(body)["Resources"]
            return 200, [{"ID": uid, "Metadata": self.metadata[uid]} for uid in sorted(wanted) if uid in self.objects]
        if path == "/tools/lookup":
            wanted_uid = body.decode()
            return 200, [{"Type": "Study", "ID": uid} for uid, study in self.studies.items() if study == wanted_uid]
        try:
            item = dcmread(BytesIO(body))
        except InvalidDicomError:
            return 400, {"HttpStatus": 400}
        uid, new = orthanc_id(item), orthanc_id(item) not in self.objects
        if new:
            self.objects[uid], self.metadata[uid] = body, {"ReceptionDate": self.now, "RemoteIP": "127.0.0.1"}
            self._belongs(uid, item)
            self._change("NewInstance", uid)
        return 200, {"ID": uid, "Status": "Success" if new else "AlreadyStored"}


@contextlib.contextmanager
def orthanc_double(login: tuple[str, str] | None = None) -> Iterator[OrthancDouble]:
    """One that listens while the block runs."""
    double = OrthancDouble(login=login)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet for headers and body

        def do_GET(self) -> None:
            if self._stops_here():
                return
            url = urlsplit(self.path)
            parts = url.path.split("/")
            if parts[-1] == "file":
                content = double.objects.get(parts[2])
                self._answer(404 if content is None else 200, content or b"{}", cut=double.cut_short)
                return
            if url.path == "/tools/now":
                self._answer(200, double.now.encode())
                return
            answer = double._get(url.path, parse_qs(url.query, keep_blank_values=True))
            self._answer(200 if answer is not None else 404, json.dumps(answer).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not self._stops_here():
                status, answer = double._post(self.path, body)
                self._answer(status, json.dumps(answer).encode())

        def do_DELETE(self) -> None:
            if not self._stops_here():
                uid = self.path.split("/")[-1]
                known = uid in double.objects
                if known:
                    double.forget(uid)
                self._answer(200 if known else 404, b"{}")

        def _stops_here(self) -> bool:
            double.requests.append(self.path)
            if double.login:
                expected = "Basic " + b64encode(":".join(double.login).encode()).decode()
                if self.headers.get("Authorization") != expected:
                    self._answer(401, b"{}")
                    return True
            fault = double.faults.pop(0) if double.faults else 0
            if fault:
                self._answer(fault, b"{}")
            return bool(fault)

        def _answer(self, status: int, body: bytes, *, cut: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    double.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
