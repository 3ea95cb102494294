"""Talks with a running supervisord over its socket, and finds what a killed one has left behind."""

import contextlib
import os
import time
import xmlrpc.client
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from appliance.node.environment import MARK
from appliance.node.files import socket_path
from appliance.settings import Settings

_POLL_S = 0.05
_UNREACHABLE = (OSError, xmlrpc.client.ProtocolError)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """One service: its name, supervisor's word for its state, its process and since when it runs (UNIX time)."""

    name: str
    state: str
    pid: int | None
    since: float | None

    @property
    def is_running(self) -> bool:
        """Whether the process has been up for long enough to count as started."""
        return self.state == "RUNNING"


def identity(settings: Settings) -> str | None:
    """With which settings the node runs (see `environment_mark`), or None where no supervisor answers."""
    try:
        with _supervisor(settings) as supervisor:
            return str(supervisor.getIdentification())
    except _UNREACHABLE:
        return None


def services(settings: Settings) -> list[ServiceStatus]:
    """Every service by name; empty where no supervisor answers."""
    try:
        with _supervisor(settings) as supervisor:
            answers = supervisor.getAllProcessInfo()
    except _UNREACHABLE:
        return []
    return [_status(answer) for answer in answers]


def start_stopped(settings: Settings) -> None:
    """Start the services that are not running."""
    with _supervisor(settings) as supervisor:
        for service in services(settings):
            if service.state in ("STOPPED", "EXITED", "FATAL"):
                supervisor.startProcess(service.name, False)


def shut_down(settings: Settings, patience_s: float) -> None:
    """Ask supervisord to stop every service and itself, and wait until it has ended."""
    with _supervisor(settings) as supervisor:
        process = psutil.Process(supervisor.getPID())
        supervisor.shutdown()
    deadline = time.monotonic() + patience_s
    with contextlib.suppress(psutil.NoSuchProcess):
        # one that has ended, and that its parent has not asked about, is as good as gone
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(_POLL_S)


def end_leftovers(settings: Settings, patience_s: float) -> None:
    """End the services of this node that run without a supervisor."""
    found = [process for process in psutil.process_iter() if _belongs(process, settings)]
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, stubborn = psutil.wait_procs(found, timeout=patience_s)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=patience_s)


def _belongs(process: psutil.Process, settings: Settings) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        if process.environ().get(MARK) == str(settings.state):
            return True
        # Redis writes its title over its environment, but works in a folder of ours
        return process.name() == "redis-server" and process.cwd() == str(settings.state / "redis")
    except (psutil.Error, OSError):
        return False


def _status(answer: dict[str, Any]) -> ServiceStatus:
    pid = answer["pid"] or None
    return ServiceStatus(
        name=answer["name"], state=answer["statename"], pid=pid, since=float(answer["start"]) if pid else None
    )


@contextlib.contextmanager
def _supervisor(settings: Settings) -> Iterator[Any]:
    transport = SupervisorTransport(None, None, f"unix://{socket_path(settings.state)}")
    with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
        yield proxy.supervisor
