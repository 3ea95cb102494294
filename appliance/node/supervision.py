"""Starts, watches and stops the services of the node through supervisord.

supervisord runs in a session of its own, so that a key press in the terminal does not reach the services; it answers
on a socket in the state folder, which is also how a second `start` finds a node that runs already.
"""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from appliance.domain.errors import NodeNotReady, SettingsError
from appliance.node import supervisor_client
from appliance.node.environment import service_environment
from appliance.node.files import private_folder, socket_path, write_private
from appliance.node.services import DEMO_PACS, OUR_SERVICES, Service, prepare_services
from appliance.node.supervisor_client import ServiceStatus
from appliance.node.supervisor_config import environment_mark, supervisor_configuration
from appliance.node.system import listens, ports, require_free_ports
from appliance.services.presence import forget, signs
from appliance.settings import LOOPBACK, SecretName, Settings
from appliance.store.engine import open_ledger

__all__ = ["ServiceStatus", "is_kept", "start", "status", "stay", "stop", "wait_ready"]

_POLL_S = 0.1
_TAIL_LINES = 3


def start(settings: Settings, *, demo: bool = False) -> None:
    """Start every service, or what is missing of a node that runs already with the same settings.

    Raises SettingsError for missing packages, ports in use, contradictions and a node that somebody else has to
    restart, NodeNotReady where supervisord ends.
    """
    node = _node(settings, demo=demo)
    if supervisor_client.identity(settings) == node.mark:
        supervisor_client.start_stopped(settings)
        return
    if is_kept(settings):
        raise SettingsError("systemd keeps this node: systemctl restart appliance", where="up")
    configuration = _make_way(settings, node)
    _launch(settings, configuration, node.environment)
    _wait(settings, lambda: supervisor_client.identity(settings) == node.mark, "supervisor", _limit(settings))


def stay(settings: Settings) -> NoReturn:
    """Become the supervisor of the node: does not return, and ends with it. For systemd, which watches this process.

    Raises as `start` does, and SettingsError where the node runs already.
    """
    node = _node(settings, demo=False)
    if supervisor_client.identity(settings) is not None:
        raise SettingsError("the node runs already; stop it with `appliance down`", where="up --foreground")
    command = _supervisor(_make_way(settings, node))
    write_private(_kept(settings), "")
    os.chdir(settings.state)
    os.execve(command[0], command, node.environment)  # noqa: S606 - our own command, without a shell


def is_kept(settings: Settings) -> bool:
    """Whether the node runs in the foreground of something that watches it, and is to be restarted there."""
    return _kept(settings).is_file() and supervisor_client.identity(settings) is not None


def _kept(settings: Settings) -> Path:
    return settings.state / "run" / "foreground"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    """What is to run: services, ports, environment, and the mark by which a running node is known."""

    services: tuple[Service, ...]
    ports: dict[str, int]
    environment: dict[str, str]
    mark: str


def _node(settings: Settings, *, demo: bool) -> _Node:
    services = prepare_services(settings, demo=demo)
    environment = service_environment(settings)
    mark = environment_mark(environment, services)
    return _Node(services=services, ports=ports(settings, demo=demo), environment=environment, mark=mark)


def _make_way(settings: Settings, node: _Node) -> Path:
    """End what is there, migrate the ledger, and write supervisord's configuration; its path."""
    stop(settings)
    _kept(settings).unlink(missing_ok=True)
    require_free_ports(node.ports)
    open_ledger(settings.ledger_url).close()
    text = supervisor_configuration(settings, node.services, socket_path(settings.state), node.mark)
    return write_private(settings.state / "run" / "supervisor.conf", text)


def wait_ready(settings: Settings, timeout_s: float | None = None) -> None:
    """Return when every service runs and answers. Raises NodeNotReady that names the service and its log."""
    limit = _limit(settings) if timeout_s is None else timeout_s
    deadline = time.monotonic() + limit
    for service in status(settings):
        _wait(settings, partial(_runs, settings, service.name), service.name, deadline - time.monotonic())
    _wait(settings, lambda: _answers(_readiness(settings)), "web", deadline - time.monotonic())
    if any(service.name == DEMO_PACS for service in status(settings)):
        _wait(settings, lambda: _demo_pacs_listens(settings), DEMO_PACS, deadline - time.monotonic())


def stop(settings: Settings) -> None:
    """Stop every service in order and wait for the end; what a killed supervisor has left behind is ended too."""
    patience_s = float(settings.supervision.stop_grace_s)
    if running := status(settings):
        supervisor_client.shut_down(settings, patience_s * (1 + len(running)))
    supervisor_client.end_leftovers(settings, patience_s)
    # a service that a signal ends has no time to take its sign away, and the doctor would believe that it lives
    forget(settings.signs)


def status(settings: Settings) -> list[ServiceStatus]:
    """Every service by name; empty when the node does not run."""
    return supervisor_client.services(settings)


def _launch(settings: Settings, configuration: Path, environment: dict[str, str]) -> None:
    log = private_folder(settings.state / "logs") / "supervisor-start.log"
    with log.open("wb") as stream:
        subprocess.Popen(
            _supervisor(configuration),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment,
            cwd=settings.state,
            start_new_session=True,
        )


def _supervisor(configuration: Path) -> list[str]:
    return [sys.executable, "-m", "appliance.node.supervisord", "--configuration", str(configuration)]


def _wait(settings: Settings, condition: Callable[[], bool], service: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NodeNotReady(f"{service} is not ready: {_last_words(settings, service)}", where=service)
        time.sleep(_POLL_S)


def _last_words(settings: Settings, service: str) -> str:
    """The end of a service's log and where it is."""
    file = settings.state / "logs" / f"{service}.log"
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    return f"{' / '.join(lines[-_TAIL_LINES:]) or 'it says nothing'} (log: {file})"


def _limit(settings: Settings) -> float:
    return settings.supervision.start_timeout_s


def _runs(settings: Settings, name: str) -> bool:
    """Whether its process is up and, for a service of ours, has got as far as giving a sign of life."""
    process = next((service.pid for service in status(settings) if service.name == name and service.is_running), None)
    if process is None or name not in OUR_SERVICES:
        return process is not None
    return any(sign.service == name and sign.pid == process for sign in signs(settings.signs))


def _readiness(settings: Settings) -> urllib.request.Request:
    token = settings.secrets.get(SecretName.ANNOUNCEMENTS)
    url = f"http://{settings.web.host}:{settings.web.port}/ready"
    return urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})


def _demo_pacs_listens(settings: Settings) -> bool:
    return listens(LOOPBACK, settings.demo.http_port) and listens(LOOPBACK, settings.demo.dicom_port)


def _answers(request: urllib.request.Request) -> bool:
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the URL is made from the settings, with http
            return bool(answer.status == 200)
    except OSError:
        return False
