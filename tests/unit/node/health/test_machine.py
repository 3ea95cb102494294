"""Disk, ports and clock."""

import socket
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from appliance.domain.errors import OrthancUnavailable
from appliance.node import supervision
from appliance.node.health import machine
from appliance.node.health.check import State
from appliance.node.supervision import ServiceStatus
from appliance.settings import Settings

GIB = 2**30


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def _disk(monkeypatch: pytest.MonkeyPatch, *, free_gib: float, inodes: int = 10**6, total_inodes: int = 10**7) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(100 * GIB, 0, int(free_gib * GIB)))
    status = SimpleNamespace(f_files=total_inodes, f_favail=inodes)
    monkeypatch.setattr(machine.os, "statvfs", lambda _: status)


@pytest.mark.parametrize(("free_gib", "state"), [(50, State.OK), (9, State.WARNING), (0.5, State.FAILED)])
def test_the_less_is_free_the_louder(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free_gib: float, state: State
) -> None:
    _disk(monkeypatch, free_gib=free_gib)
    assert [line.state for line in machine.disk(settings)] == [state]


def test_few_inodes_are_a_warning_unless_the_file_system_has_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _disk(monkeypatch, free_gib=50, inodes=10)
    assert [line.part for line in machine.disk(settings)] == ["disk of state", "inodes of state"]
    _disk(monkeypatch, free_gib=50, inodes=0, total_inodes=0)
    assert [line.part for line in machine.disk(settings)] == ["disk of state"]


def test_folders_on_one_file_system_share_a_line(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _disk(monkeypatch, free_gib=50)
    for name in ("orthanc", "results"):
        (settings.state / name).mkdir(parents=True)
    assert [line.part for line in machine.disk(settings)] == ["disk of state, Orthanc's storage, results"]


class Orthanc:
    """Says how much it holds, and what time it is."""

    def __init__(self, held_mib: int = 0, now: datetime | None = None) -> None:
        self._held, self._now = held_mib, now

    def statistics(self) -> dict[str, Any]:
        return {"TotalDiskSizeMB": self._held}

    def now(self) -> datetime:
        if self._now is None:
            raise OrthancUnavailable
        return self._now


@pytest.mark.parametrize(
    ("allowed_gib", "state"), [(30, State.OK), (39, State.OK), (60, State.WARNING), (0, State.WARNING)]
)
def test_orthanc_may_not_be_promised_more_than_the_disk_holds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, allowed_gib: int, state: State
) -> None:
    """40 GiB are free, 10 are held back, 10 are used already: there is room for 40."""
    _disk(monkeypatch, free_gib=40)
    limited = settings.model_copy(
        update={"orthanc": settings.orthanc.model_copy(update={"maximum_storage_mib": allowed_gib * 1024})}
    )
    node: Any = SimpleNamespace(orthanc=Orthanc(held_mib=10 * 1024))
    assert [line.state for line in machine.storage(limited, node)] == [state]


def _port(settings: Settings, port: int) -> Settings:
    return settings.model_copy(update={"web": settings.web.model_copy(update={"port": port})})


def test_a_port_that_another_program_holds_is_named_with_it(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        lines = {line.part: line for line in machine.open_ports(_port(settings, port), demo=False)}
    line = lines[f"port {port} (web.port)"]
    assert line.state is State.FAILED
    assert line.detail.startswith("used by ")


def test_a_port_that_a_service_of_ours_holds_is_ours(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        supervision, "status", lambda _: [ServiceStatus(name="web", state="RUNNING", pid=77, since=0.0)]
    )
    watched = SimpleNamespace(pid=78, parents=lambda: [SimpleNamespace(pid=77), SimpleNamespace(pid=1)])
    listeners = {settings.web.port: SimpleNamespace(pid=77), settings.orthanc.http_port: watched}
    monkeypatch.setattr(machine, "_listeners", lambda: listeners)
    monkeypatch.setattr(machine, "is_free", lambda port: True)
    lines = {line.part: line for line in machine.open_ports(settings, demo=False)}
    assert lines[f"port {settings.web.port} (web.port)"].detail == "ours"
    assert lines[f"port {settings.orthanc.http_port} (orthanc.http_port)"].detail == "ours"
    missing = lines[f"port {settings.dicom.port} (dicom.port)"]
    assert (missing.state, missing.detail) == (State.FAILED, "nobody listens, although the node runs")


@pytest.mark.parametrize(("seconds", "state"), [(0, State.OK), (-10, State.WARNING), (3600, State.FAILED)])
def test_a_clock_that_differs_from_orthancs_is_reported(settings: Settings, seconds: float, state: State) -> None:
    node: Any = SimpleNamespace(orthanc=Orthanc(now=datetime.now(UTC) + timedelta(seconds=seconds)))
    lines = {line.part: line for line in machine.clock(settings, node)}
    assert lines["Orthanc's clock"].state is state


def test_an_orthanc_that_does_not_answer_has_no_clock(settings: Settings) -> None:
    node: Any = SimpleNamespace(orthanc=Orthanc())
    assert [line.part for line in machine.clock(settings, node)] == ["clock"]


@pytest.mark.parametrize(("ahead_s", "failures"), [(-60, 0), (3600, 1)])
def test_an_arrival_in_the_future_means_that_the_clock_was_set_back(ahead_s: float, failures: int) -> None:
    newest = SimpleNamespace(last_arrival_at=datetime.now(UTC) + timedelta(seconds=ahead_s))
    node: Any = SimpleNamespace(studies=SimpleNamespace(latest=lambda limit: (newest,)))
    assert len(list(machine.clock_and_ledger(node))) == failures
