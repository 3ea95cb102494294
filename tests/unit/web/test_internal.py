"""Only bearers of the token announce; bodies are bounded; errors are problem details; every answer is closed."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.errors import OrthancUnavailable, QueueUnavailable
from appliance.web.app import Internals, build_app
from appliance.web.internal import MOST_BYTES, MOST_INSTANCES
from tests.helpers.people import appliance_in
from tests.helpers.web_client import WebClient

TOKEN = "the-token"
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}
INSTANCE = "0123abcd-0123abcd-0123abcd-0123abcd-0123abcd"
ANNOUNCE = "/internal/announcements"


class Receiver:
    """Remembers what it was given, or fails."""

    def __init__(self) -> None:
        self.received: dict[str, float] = {}
        self.fails = False

    def receive_instances(self, received: Mapping[str, float]) -> None:
        if self.fails:
            raise QueueUnavailable("redis on secret-host says no")
        self.received |= received


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def components() -> dict[str, Any]:
    return {"queue": lambda: None}


@pytest.fixture
def client(receiver: Receiver, components: dict[str, Any], tmp_path: Path) -> WebClient:
    internals = Internals(receiver=receiver, components=components, token=TOKEN)
    return WebClient(build_app(appliance_in(tmp_path), internals))


def body(*ids: str) -> dict[str, Any]:
    return {"instances": [{"id": uid, "aet": "CT1", "ip": "192.0.2.1", "called": "APPLIANCE"} for uid in ids]}


def test_announced_instances_are_handed_over(client: WebClient, receiver: Receiver) -> None:
    answer = client.post(ANNOUNCE, json=body(INSTANCE), headers=AUTHORISED)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1})
    assert list(receiver.received) == [INSTANCE]


def test_the_moment_of_reception_is_as_long_ago_as_the_announcement_says(
    client: WebClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 1000.0)
    aged = {"instances": [{"id": INSTANCE, "age_s": 2.5}]}
    assert client.post(ANNOUNCE, json=aged, headers=AUTHORISED).status_code == 202
    assert receiver.received == {INSTANCE: 997.5}


@pytest.mark.parametrize("age", ["NaN", "Infinity", "-1", '"old"'])
def test_an_age_that_is_none_is_refused(client: WebClient, receiver: Receiver, age: str) -> None:
    content = f'{{"instances": [{{"id": "{INSTANCE}", "age_s": {age}}}]}}'
    assert client.post(ANNOUNCE, content=content.encode(), headers=AUTHORISED).status_code == 422
    assert receiver.received == {}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        f"bearer {TOKEN}",
        f"Bearer {TOKEN} ",
        "Bearer ä",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", ANNOUNCE), ("GET", "/ready")])
def test_nobody_passes_without_the_token(
    client: WebClient, receiver: Receiver, method: str, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header.encode()}
    answer = client.request(method, path, json=body(INSTANCE), headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert receiver.received == {}


def test_an_empty_token_would_let_everybody_pass_and_is_refused(receiver: Receiver, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        build_app(appliance_in(tmp_path), Internals(receiver=receiver, components={}, token=""))


def test_health_needs_no_token_and_says_nothing(client: WebClient) -> None:
    assert client.get("/health").json() == {"status": "alive"}


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/nowhere"])
def test_nothing_else_is_served(client: WebClient, path: str) -> None:
    assert client.get(path, headers=AUTHORISED).status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"instances": [{"id": "../../etc/passwd"}]}',
        b'{"instances": [{"id": "0123ABCD-0123abcd-0123abcd-0123abcd-0123abcd"}]}',
        b'{"instances": [{"id": "' + INSTANCE.encode() + b'", "aet": "' + b"A" * 65 + b'"}]}',
    ],
)
def test_what_is_no_announcement_is_refused_without_repeating_it(
    client: WebClient, receiver: Receiver, content: bytes
) -> None:
    answer = client.post(ANNOUNCE, content=content, headers=AUTHORISED)
    assert answer.status_code == 422
    assert "passwd" not in answer.text
    assert receiver.received == {}


def test_too_many_instances_are_refused(client: WebClient) -> None:
    assert client.post(ANNOUNCE, json=body(*[INSTANCE] * MOST_INSTANCES), headers=AUTHORISED).status_code in (202, 413)
    short = {"instances": [{"id": INSTANCE}] * (MOST_INSTANCES + 1)}
    assert client.post(ANNOUNCE, json=short, headers=AUTHORISED).status_code == 422


def test_a_body_is_bounded_whatever_its_length_is_said_to_be(client: WebClient, receiver: Receiver) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * (MOST_BYTES // 2)

    for content in (b" " * (MOST_BYTES + 1), chunks()):
        assert client.post(ANNOUNCE, content=content, headers=AUTHORISED).status_code == 413
    assert receiver.received == {}


def test_a_queue_that_is_away_is_a_problem_that_the_plugin_retries(client: WebClient, receiver: Receiver) -> None:
    receiver.fails = True
    answer = client.post(ANNOUNCE, json=body(INSTANCE), headers=AUTHORISED)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank#queue-unavailable",
        "title": "The queue (Redis) did not answer",
        "status": 503,
    }


def test_readiness_names_what_does_not_answer_by_its_code_only(client: WebClient, components: dict[str, Any]) -> None:
    assert client.get("/ready", headers=AUTHORISED).json() == {"ready": True, "failed": {}}

    def away() -> None:
        raise OrthancUnavailable("password wrong for secret-host")

    components["orthanc"] = away
    answer = client.get("/ready", headers=AUTHORISED)
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "failed": {"orthanc": "orthanc-unavailable"}}


@pytest.mark.parametrize("path", ["/health", "/ready", ANNOUNCE, "/nowhere"])
def test_every_answer_has_the_security_headers(client: WebClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
