"""Reading through DICOMweb: who may, what is passed on, how, and what the audit trail says of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission, UserRole
from appliance.domain.audit import AuditKind
from appliance.domain.errors import LedgerUnavailable
from appliance.store.audit_trail import AuditQuery, AuditRecord
from appliance.web.dicomweb.access import AccessNotes
from appliance.web.dicomweb.proxy import proxy_router
from appliance.web.dicomweb.resources import RESOURCES
from appliance.web.problems import add_error_answers
from appliance.web.security.headers import SecurityHeaders
from tests.helpers.people import TEST, Browser, add_user, bearer

STUDY = "/dicom-web/studies/1.2.3"
SERIES = f"{STUDY}/series/1.2.3.4"
INSTANCE = f"{SERIES}/instances/1.2.3.4.5"
SECRET = "secret of the node"


class Orthanc:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answer: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(200, json=[])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer(request)


class Stream(httpx.AsyncByteStream):
    """Pieces of a long answer; knows how many were taken, and whether it was closed."""

    def __init__(self, pieces: list[bytes], breaks: bool = False) -> None:
        self.pieces = pieces
        self.breaks = breaks
        self.taken = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            self.taken += 1
            yield piece
        if self.breaks:
            raise httpx.ReadError("gone")

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def orthanc() -> Orthanc:
    return Orthanc()


@pytest.fixture
def app(node: Appliance, orthanc: Orthanc) -> FastAPI:
    client = httpx.AsyncClient(
        transport=httpx.MockTransport(orthanc), base_url="http://orthanc", auth=("appliance", SECRET)
    )
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.node = node
    app.add_middleware(SecurityHeaders)
    add_error_answers(app)
    app.include_router(proxy_router(client, AccessNotes(lambda: node.audit)))
    add_user(node, "admin", UserRole.PACS_ADMIN)
    return app


@pytest.fixture
def reader(app: FastAPI, node: Appliance) -> Browser:
    return program(app, node, UserRole.RADIOLOGIST, Permission.DICOM_READ)


def program(app: FastAPI, node: Appliance, role: UserRole, permission: Permission) -> Browser:
    """A program with a token of somebody of the role."""
    name = f"{role}-{len(node.users.all())}"
    add_user(node, name, role)
    issued = node.token_desk.issue(node.users.get(name), label="test", permissions=[permission], days=1, actor=TEST)
    return bearer(app, issued.secret)


def trail(node: Appliance, kind: AuditKind) -> tuple[AuditRecord, ...]:
    return node.audit.search(AuditQuery(kind=kind), 100)


def test_nobody_reads_anything_without_a_login(app: FastAPI, orthanc: Orthanc) -> None:
    values = {"study": "1.2", "series": "1.2", "instance": "1.2", "frames": "1", "bulk": "7fe00010"}
    for resource in RESOURCES:
        path = resource.path.replace(":path", "").format_map(values)
        answer = Browser(app).get(f"/dicom-web{path}", headers={"Accept": "*/*"})
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert not orthanc.asked


def test_who_must_not_see_patients_reads_nothing(app: FastAPI, node: Appliance, orthanc: Orthanc) -> None:
    lead = program(app, node, UserRole.AI_LEAD, Permission.MODELS_READ)
    assert lead.get(STUDY).status_code == 403
    assert not orthanc.asked
    assert trail(node, AuditKind.ACCESS_REFUSED)


def test_orthanc_is_asked_the_same_with_its_own_login_and_our_address(reader: Browser, orthanc: Orthanc) -> None:
    reader.get("/dicom-web/studies?PatientID=1&limit=5", headers={"Accept": "application/dicom+json", "Cookie": "a=b"})
    (asked,) = orthanc.asked
    assert str(asked.url) == "http://orthanc/dicom-web/studies?PatientID=1&limit=5"
    assert asked.headers["Accept"] == "application/dicom+json"
    assert asked.headers["Authorization"].startswith("Basic ")
    assert asked.headers["Forwarded"] == "host=appliance;proto=http"
    assert "Cookie" not in asked.headers


def test_what_orthanc_does_not_know_is_asked_as_what_it_knows(reader: Browser, orthanc: Orthanc) -> None:
    reader.get(f"{SERIES}/thumbnail", headers={"Accept": "image/jp2"})
    reader.get(f"{INSTANCE}/bulk/00420011", headers={"Accept": "application/octet-stream"})
    thumbnail, bulk = orthanc.asked
    assert (thumbnail.url.path, thumbnail.headers["Accept"]) == (f"{SERIES}/rendered", "image/jpeg")
    assert (bulk.url.path, bulk.headers["Accept"]) == (
        f"{INSTANCE}/bulk/00420011",
        'multipart/related; type="application/octet-stream"',
    )


def test_nothing_outside_the_table_reaches_orthanc(reader: Browser, orthanc: Orthanc) -> None:
    for path in (
        "/dicom-web/studies/..",
        "/dicom-web/studies/%2e%2e",
        "/dicom-web/studies/1..2",
        "/dicom-web/studies/1.2%0a",
        "/dicom-web/studies/1.2a/metadata",
        f"/dicom-web/studies/{'1' * 65}",
        f"{INSTANCE}/frames/1,",
        f"{INSTANCE}/frames/a",
        f"{INSTANCE}/bulk/7fe00010/../../x",
        f"{INSTANCE}/bulk/%2e%2e/%2e%2e/system",
        f"{STUDY}/archive",
        "/dicom-web/servers",
        "/dicom-web/../system",
        f"/dicom-web/studies?{'a' * 9000}",
    ):
        assert reader.get(path).status_code in (400, 404), path
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert reader.request(method, INSTANCE).status_code == 405
    for host in ("evil.example;proto=https", 'a"b', "a,host=b", ""):
        assert reader.get(STUDY, headers={"Host": host}).status_code == 400
    assert not orthanc.asked


def test_of_the_answer_only_what_describes_the_content_comes_back(reader: Browser, orthanc: Orthanc) -> None:
    content = {"Content-Type": "image/jpeg", "Content-Length": "7"}
    headers = content | {"Set-Cookie": "x=y", "Server": "Orthanc", "Keep-Alive": "timeout=1"}
    orthanc.answer = lambda _: httpx.Response(200, stream=Stream([b"picture"]), headers=headers)
    answer = reader.get(f"{INSTANCE}/rendered")
    assert answer.content == b"picture"
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Length"] == "7"
    assert not {"set-cookie", "server", "keep-alive"} & answer.headers.keys()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_instances_never_change_and_may_be_kept_by_the_browser_that_was_signed_in(reader: Browser) -> None:
    for path in (f"{INSTANCE}/frames/1", INSTANCE, f"{INSTANCE}/rendered"):
        kept = reader.get(path).headers
        assert kept["Cache-Control"].startswith("private")
        assert "immutable" in kept["Cache-Control"]
        assert "Cookie" in kept["Vary"]
    for path in (f"{SERIES}/metadata", STUDY, "/dicom-web/studies"):
        assert reader.get(path).headers["Cache-Control"] == "no-store"


def test_failures_are_told_without_what_orthanc_says(reader: Browser, orthanc: Orthanc) -> None:
    for status, told in {400: 400, 404: 404, 406: 406, 401: 503, 500: 503, 302: 503}.items():
        said = httpx.Response(status, json={"Details": "Doe^Jane"}, headers={"Location": "/x"})
        orthanc.answer = lambda _, said=said: said  # type: ignore[misc]
        answer = reader.get(STUDY)
        assert answer.status_code == told
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "Doe" not in answer.text
        assert "Location" not in answer.headers


def test_an_orthanc_that_is_away_is_named(reader: Browser, orthanc: Orthanc) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    orthanc.answer = refuse
    answer = reader.get(STUDY)
    assert answer.status_code == 503
    assert answer.json()["type"] == "about:blank#orthanc-unavailable"


def test_a_study_that_is_opened_stands_in_the_trail_once(reader: Browser, node: Appliance) -> None:
    for path in (f"{STUDY}/series", SERIES, f"{INSTANCE}/frames/1", f"{STUDY}/metadata", f"{STUDY}/series"):
        reader.get(path)
    (opened,) = trail(node, AuditKind.STUDY_OPENED)
    assert opened.study_instance_uid == "1.2.3"
    assert opened.actor.startswith("radiologist-1/")
    (listed,) = trail(node, AuditKind.STUDIES_SEARCHED)
    assert listed.study_instance_uid == "1.2.3"
    reader.get("/dicom-web/studies/1.2.4")
    assert len(trail(node, AuditKind.STUDY_OPENED)) == 2


def test_another_session_is_another_opening(app: FastAPI, node: Appliance, reader: Browser) -> None:
    reader.get(SERIES)
    program(app, node, UserRole.RADIOLOGIST, Permission.DICOM_READ).get(SERIES)
    assert len(trail(node, AuditKind.STUDY_OPENED)) == 2


def test_a_search_stands_in_the_trail_without_its_values(reader: Browser, node: Appliance) -> None:
    reader.get("/dicom-web/studies?PatientName=Doe*&StudyDate=20260101&limit=5&includefield=all")
    (searched,) = trail(node, AuditKind.STUDIES_SEARCHED)
    assert searched.detail == {"by": "PatientName, StudyDate"}


def test_what_cannot_be_recorded_is_not_shown(
    reader: Browser, node: Appliance, orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(entry: object) -> None:
        raise LedgerUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(node.audit, "record", fail)
        assert reader.get(SERIES).status_code == 503
    assert not orthanc.asked
    assert reader.get(SERIES).status_code == 200
    assert len(trail(node, AuditKind.STUDY_OPENED)) == 1


class Listener:
    """The server's side of one request to the application: takes messages one at a time, and may go away."""

    def __init__(self, app: FastAPI, reader: Browser) -> None:
        self._app = app
        self._headers = [(b"host", b"appliance"), (b"authorization", reader.headers["Authorization"].encode())]
        self.messages: list[Any] = []
        self.may_take = asyncio.Semaphore(0)
        self.leaves = asyncio.Event()

    async def ask(self, path: str) -> None:
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "headers": self._headers,
            "client": ("192.0.2.1", 1), "server": ("appliance", 80), "root_path": "",
        }  # fmt: skip
        await self._app(scope, self._receive, self._send)

    async def _receive(self) -> Any:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.may_take.acquire()
        self.messages.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def is_complete(self) -> bool:
        return self.messages[-1].get("more_body") is False


def listen(app: FastAPI, reader: Browser, test: Callable[[Listener, "asyncio.Task[None]"], Any]) -> Listener:
    """Ask for a series, and do what the test does meanwhile."""

    async def run() -> Listener:
        listener = Listener(app, reader)
        asking = asyncio.create_task(listener.ask(SERIES))
        await test(listener, asking)
        await asyncio.wait_for(asking, 30)
        return listener

    return asyncio.run(run())


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


async def _settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def test_a_slow_reader_slows_orthanc_down(app: FastAPI, reader: Browser, orthanc: Orthanc) -> None:
    stream = Stream([b"x" * 1000] * 100)
    orthanc.answer = lambda _: httpx.Response(200, stream=stream)

    async def take_little(listener: Listener, asking: "asyncio.Task[None]") -> None:
        listener.may_take.release()
        listener.may_take.release()
        await _until(lambda: len(listener.messages) == 2)
        await _settled()
        assert stream.taken == 2
        for _ in range(200):
            listener.may_take.release()

    listener = listen(app, reader, take_little)
    assert listener.body == b"x" * 100_000
    assert listener.is_complete
    assert stream.closed


def test_a_reader_who_leaves_takes_the_connection_along(app: FastAPI, reader: Browser, orthanc: Orthanc) -> None:
    stream = Stream([b"x"] * 100)
    orthanc.answer = lambda _: httpx.Response(200, stream=stream)

    async def leave(listener: Listener, asking: "asyncio.Task[None]") -> None:
        listener.may_take.release()
        await _until(lambda: len(listener.messages) == 1)
        listener.leaves.set()

    listener = listen(app, reader, leave)
    assert stream.closed
    assert stream.taken < 3
    assert len(listener.messages) == 1


def test_a_reader_who_leaves_while_orthanc_thinks_waits_for_nothing(
    app: FastAPI, reader: Browser, orthanc: Orthanc
) -> None:
    async def think(request: httpx.Request) -> httpx.Response:
        orthanc.asked.append(request)
        await asyncio.sleep(3600)
        raise AssertionError

    orthanc.answer = think  # type: ignore[assignment]

    async def leave(listener: Listener, asking: "asyncio.Task[None]") -> None:
        await _until(lambda: bool(orthanc.asked))
        listener.leaves.set()

    assert listen(app, reader, leave).messages == []


_PARTS = [b"--b1\r\n\r\nwhole\r\n--b1", b"--\r\n"]


_MULTIPART = {"Content-Type": "multipart/related; boundary=b1"}
_QUOTED = {"Content-Type": 'multipart/related; boundary="b1"; type="a/b"'}
_ENDINGS = (
    (Stream(_PARTS), _MULTIPART, True),
    (Stream(_PARTS), _QUOTED, True),
    (Stream(_PARTS[:1]), _MULTIPART, False),
    (Stream([]), _MULTIPART, False),
    (Stream([b"abc"]), _MULTIPART | {"Content-Length": "3"}, True),
    (Stream([b"abc"], breaks=True), {"Content-Type": "image/jpeg"}, False),
)
"""What Orthanc sends, and whether it is whole."""


def test_half_an_answer_is_never_taken_for_a_whole(app: FastAPI, reader: Browser, orthanc: Orthanc) -> None:
    async def take_all(listener: Listener, asking: "asyncio.Task[None]") -> None:
        for _ in range(20):
            listener.may_take.release()

    for stream, headers, is_whole in _ENDINGS:
        said = httpx.Response(200, stream=stream, headers=headers)
        orthanc.answer = lambda _, said=said: said  # type: ignore[misc]
        listener = listen(app, reader, take_all)
        assert listener.body == b"".join(stream.pieces)
        assert listener.is_complete is is_whole
        assert stream.closed
