"""Announcements reach the web service in batches, and never make the sender wait."""

import ast
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.helpers.receiver import Receiver
from tests.helpers.services import free_port
from tests.unit.plugin.conftest import PLUGIN


@pytest.fixture
def started(announce: ModuleType) -> Iterator[Any]:
    """Makes announcers, starts them, and stops them at the end."""
    made = []

    def make(url: str, token: str = "secret", **options: Any) -> Any:
        announcer = announce.Announcer(url, lambda: token, **{"backoff_s": 0.01, "backoff_limit_s": 0.02, **options})
        made.append(announcer)
        announcer.start()
        return announcer

    yield make
    for announcer in made:
        announcer.stop()


def test_everything_arrives_once_and_in_order(started: Any, receiver: Receiver) -> None:
    announcer = started(receiver.url)
    expected = [f"{number:03d}" for number in range(300)]
    for name in expected:
        announcer.put({"id": name})
    receiver.wait_for(300)
    assert receiver.ids == expected
    assert receiver.tokens[0] == "Bearer secret"


def test_what_arrives_together_is_sent_together(announce: ModuleType, receiver: Receiver) -> None:
    announcer = announce.Announcer(receiver.url, lambda: "secret", batch_size=40)
    for number in range(100):
        announcer.put({"id": str(number)})
    announcer.start()
    receiver.wait_for(100)
    announcer.stop()
    assert [len(batch) for batch in receiver.batches] == [40, 40, 20]


def test_put_returns_at_once_while_nobody_listens(started: Any) -> None:
    announcer = started(f"http://127.0.0.1:{free_port()}/", capacity=5)
    done = threading.Event()

    def store() -> None:
        for number in range(1_000):
            announcer.put({"id": str(number)})
        done.set()

    threading.Thread(target=store, daemon=True).start()
    assert done.wait(20), "C-STORE would hang"
    assert announcer.dropped >= 900


def test_a_service_that_hangs_does_not_hang_the_sender(started: Any) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, never answers
        announcer = started(f"http://127.0.0.1:{silent.getsockname()[1]}/", capacity=3, timeout_s=0.05)
        for number in range(100):
            announcer.put({"id": str(number)})
        assert announcer.dropped >= 90
        announcer.stop()


def test_the_same_batch_is_sent_again_until_it_is_taken(started: Any, receiver: Receiver) -> None:
    receiver.answers = [503, 500, 401]
    said: list[str] = []
    announcer = started(receiver.url, log=said.append)
    announcer.put({"id": "a"})
    receiver.wait_for(1)
    assert receiver.ids == ["a"]
    assert len(receiver.tokens) == 4
    assert said == ["The appliance does not take announcements (503); trying again"]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_that_is_refused_for_what_it_is_does_not_block_the_next(
    started: Any, receiver: Receiver, status: int
) -> None:
    receiver.answers = [status]
    said: list[str] = []
    announcer = started(receiver.url, log=said.append)
    announcer.put({"id": "bad"})
    receiver.wait_for_requests(1)
    announcer.put({"id": "good"})
    receiver.wait_for(1)
    assert receiver.ids == ["good"]
    assert said == [f"The appliance refused 1 announcements with status {status}"]


def test_dropped_announcements_are_mentioned_once(announce: ModuleType, receiver: Receiver) -> None:
    said: list[str] = []
    announcer = announce.Announcer(receiver.url, lambda: "secret", capacity=2, log=said.append)
    for number in range(5):
        announcer.put({"id": str(number)})
    announcer.start()
    receiver.wait_for(2)
    announcer.put({"id": "later"})
    receiver.wait_for(3)
    announcer.stop()
    assert said == ["3 announcements were dropped; the change feed finds these instances"]


def test_a_new_token_is_read_without_a_restart(announce: ModuleType, receiver: Receiver) -> None:
    tokens = iter(["old", "new"])
    receiver.answers = [401]
    announcer = announce.Announcer(receiver.url, lambda: next(tokens), backoff_s=0.01)
    announcer.start()
    announcer.put({"id": "a"})
    receiver.wait_for(1)
    announcer.stop()
    assert receiver.tokens == ["Bearer old", "Bearer new"]


def test_a_missing_token_file_ends_nothing(announce: ModuleType, receiver: Receiver, tmp_path: Path) -> None:
    file = tmp_path / "token"
    announcer = announce.Announcer(receiver.url, file.read_text, backoff_s=0.01, backoff_limit_s=0.02)
    announcer.start()
    announcer.put({"id": "a"})
    file.write_text("late")
    receiver.wait_for(1)
    announcer.stop()
    assert receiver.ids == ["a"]


GATE = PLUGIN.parents[1] / "appliance" / "gate"


@pytest.mark.parametrize("file", sorted([*PLUGIN.glob("*.py"), *GATE.glob("*.py")]), ids=lambda path: path.name)
def test_the_plugin_needs_nothing_but_the_standard_library(file: Path) -> None:
    """It runs in the system's interpreter, where nothing of ours is installed."""
    own = {path.stem for path in PLUGIN.glob("*.py")} | {"orthanc", "appliance_gate"}
    imported = set()
    for node in ast.walk(ast.parse(file.read_text(), feature_version=(3, 11))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            imported.add(str(node.module).split(".")[0])
    assert imported - own <= sys.stdlib_module_names


def test_a_connection_that_was_closed_in_the_meantime_is_made_anew_without_a_word(started: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(30)
    said: list[str] = []
    announcer = started(f"http://127.0.0.1:{listener.getsockname()[1]}/", log=said.append, backoff_s=20.0)
    for _ in range(2):
        announcer.put({"id": "one"})
        connection, _address = listener.accept()
        while b"age_s" not in connection.recv(65536):
            pass
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        connection.close()
    listener.close()
    assert said == []
