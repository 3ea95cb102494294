"""STOW-RS over HTTP: who may, what is refused before a byte is stored, what each answer says, what is left behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI

from appliance.domain.errors import LedgerUnavailable, NestedTooDeep, OrthancUnavailable
from appliance.services.quarantine import Uploaded
from appliance.web.dicomweb.multipart import UploadLimits
from appliance.web.dicomweb.router import UploadDoor
from appliance.web.dicomweb.stow import stow_router
from appliance.web.problems import add_error_answers
from appliance.web.security.headers import SecurityHeaders
from tests.helpers.people import appliance_in
from tests.helpers.web_client import WebClient

CT = "1.2.840.10008.5.1.4.1.1.2"
KIND = 'multipart/related; type="application/dicom"; boundary=X'
AUTHORISED = {"Authorization": "Bearer uploads", "Content-Type": KIND}
STUDIES = "/dicom-web/studies"


class Desk:
    """Takes what begins with "good"; the rest is refused, or meets what `failures` hold."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, str]] = []
        self.failures: dict[int, Exception] = {}

    def upload(self, file: Path, study: str) -> Uploaded:
        content, number = file.read_bytes(), len(self.seen) + 1
        self.seen.append((content, study))
        if number in self.failures:
            raise self.failures[number]
        refusal = None if content.startswith(b"good") else NestedTooDeep()
        return Uploaded(sop_class=CT, sop_instance=f"1.2.{number}", orthanc_id="o", refusal=refusal)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def client(desk: Desk, spool: Path) -> WebClient:
    return client_of(desk, spool)


def client_of(desk: Desk, spool: Path, **limits: Any) -> WebClient:
    bounds = UploadLimits(**({"request_bytes": 10_000, "part_bytes": 5_000, "parts": 5} | limits))

    app = FastAPI()
    app.state.node = appliance_in(spool.parent)
    app.add_middleware(SecurityHeaders)
    add_error_answers(app)
    app.include_router(stow_router(desk.upload, spool, bounds, [Depends(UploadDoor("uploads"))]))
    return WebClient(app)


def body(*contents: bytes) -> bytes:
    return b"".join(b"--X\r\nContent-Type: application/dicom\r\n\r\n" + c + b"\r\n" for c in contents) + b"--X--"


def test_a_series_is_stored_and_told(client: WebClient, desk: Desk, spool: Path) -> None:
    answer = client.post(STUDIES, content=body(b"good 1", b"good 2"), headers=AUTHORISED)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/dicom+json")
    told = answer.json()["00081199"]["Value"]
    assert [item["00081155"]["Value"] for item in told] == [["1.2.1"], ["1.2.2"]]
    assert desk.seen == [(b"good 1", ""), (b"good 2", "")]
    assert list(spool.iterdir()) == []


def test_the_study_of_the_path_goes_with_every_part(client: WebClient, desk: Desk) -> None:
    client.post(f"{STUDIES}/1.2.840.7", content=body(b"good"), headers=AUTHORISED)
    assert desk.seen == [(b"good", "1.2.840.7")]


def test_some_and_none(client: WebClient) -> None:
    some = client.post(STUDIES, content=body(b"good", b"bad"), headers=AUTHORISED)
    assert some.status_code == 202
    assert some.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xC000]
    assert client.post(STUDIES, content=body(b"bad"), headers=AUTHORISED).status_code == 409


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Bearer wrong", "Bearer announcements", "Basic uploads"])
@pytest.mark.parametrize("path", [STUDIES, f"{STUDIES}/1.2.3"])
def test_nobody_stores_without_the_token_of_uploads(
    client: WebClient, desk: Desk, path: str, header: str | None
) -> None:
    headers = {"Content-Type": KIND} | ({} if header is None else {"Authorization": header})
    assert client.post(path, content=body(b"good"), headers=headers).status_code == 401
    assert desk.seen == []


@pytest.mark.parametrize(
    ("changes", "content", "status", "code"),
    [
        ({"Content-Type": "application/dicom"}, body(b"good"), 415, "request-media-type"),
        ({"Content-Type": "multipart/form-data; boundary=X"}, body(b"good"), 415, "request-media-type"),
        ({"Content-Encoding": "gzip"}, b"\x1f\x8b", 415, "request-media-type"),
        ({"Accept": "application/dicom+xml"}, body(b"good"), 406, "request-not-acceptable"),
        ({"Content-Type": "multipart/related; type=application/dicom"}, body(b"good"), 400, "request-malformed"),
        ({}, b"", 400, "request-malformed"),
        ({}, b"--X--", 400, "request-malformed"),
        ({}, b"garbage", 400, "request-malformed"),
        ({}, body(b"good")[:-5], 400, "request-malformed"),
        ({}, body(b"x" * 5_001), 413, "request-too-large"),
        ({}, body(b"x" * 10_001), 413, "request-too-large"),
        ({}, body(*[b"good"] * 6), 413, "request-too-large"),
    ],
)
def test_what_is_wrong_with_a_request_is_a_problem_with_a_code(
    client: WebClient, spool: Path, changes: dict[str, str], content: bytes, status: int, code: str
) -> None:
    answer = client.post(STUDIES, content=content, headers=AUTHORISED | changes)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["type"].endswith(f"#{code}")
    assert list(spool.iterdir()) == []


def test_a_length_beyond_the_limit_is_refused_before_a_byte_is_read(client: WebClient, desk: Desk) -> None:
    answer = client.post(STUDIES, content=body(b"good"), headers=AUTHORISED | {"Content-Length": "10001"})
    assert answer.status_code == 413
    assert desk.seen == []


@pytest.mark.parametrize("study", ["1.2.x", "1%2F2", "..%2Fetc", "1" * 65, "%00"])
def test_a_study_that_is_no_uid_is_refused(client: WebClient, desk: Desk, study: str) -> None:
    assert client.post(f"{STUDIES}/{study}", content=body(b"good"), headers=AUTHORISED).status_code in (400, 404)
    assert desk.seen == []


def test_an_orthanc_that_is_away_is_said_of_the_whole_while_nothing_is_stored(client: WebClient, desk: Desk) -> None:
    desk.failures = {2: OrthancUnavailable()}
    answer = client.post(STUDIES, content=body(b"bad", b"good", b"good"), headers=AUTHORISED)
    assert (answer.status_code, answer.json()["type"]) == (503, "about:blank#orthanc-unavailable")
    assert len(desk.seen) == 2


def test_and_of_the_object_where_others_are_stored(client: WebClient, desk: Desk) -> None:
    desk.failures = {2: LedgerUnavailable()}
    answer = client.post(STUDIES, content=body(b"good", b"good", b"good"), headers=AUTHORISED)
    assert answer.status_code == 202
    assert len(answer.json()["00081199"]["Value"]) == 2
    assert answer.json()["0008119A"]["Value"][0]["00081197"]["Value"] == [0xA700]


def test_a_sender_who_falls_silent_is_not_waited_for(desk: Desk, spool: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield body(b"good")[:-20]
        await asyncio.sleep(60)

    answer = client_of(desk, spool, patience_s=0.05).post(STUDIES, content=chunks(), headers=AUTHORISED)
    assert (answer.status_code, answer.json()["type"]) == (408, "about:blank#request-too-slow")
    assert list(spool.iterdir()) == []


def test_what_a_killed_service_left_in_the_spool_is_gone_when_it_starts(desk: Desk, spool: Path) -> None:
    spool.mkdir()
    (spool / "left.dcm").write_bytes(b"half")
    client_of(desk, spool)
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_nothing_else_is_done_there(client: WebClient, method: str) -> None:
    assert client.request(method, STUDIES, headers=AUTHORISED).status_code == 405
