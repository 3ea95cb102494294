"""The configuration file of supervisord, generated: which program, restarted how, logged where."""

import configparser
import hashlib
import io
import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from appliance.node.files import private_folder
from appliance.node.services import Service
from appliance.settings import Settings

_LOGS = "logs"
"""Below the state folder, which supervisord runs in: its own expansion of log paths cannot carry a percent sign."""

_RESTARTS = 1_000
"""Supervisor waits one second longer before each restart in a row; it should never give up on a node."""


def supervisor_configuration(settings: Settings, services: tuple[Service, ...], socket: Path, mark: str) -> str:
    """The text of the file. `mark` says with which settings it was made, see `environment_mark`."""
    parser = configparser.RawConfigParser(comment_prefixes=(";",))
    private_folder(settings.state / _LOGS)
    parser["unix_http_server"] = {"file": _plain(socket), "chmod": "0700"}
    parser["supervisord"] = {
        "logfile": f"{_LOGS}/supervisor.log",
        "logfile_maxbytes": f"{settings.supervision.log_mib}MB",
        "logfile_backups": str(settings.supervision.log_files),
        "pidfile": "run/supervisor.pid",
        "childlogdir": _LOGS,
        "identifier": mark,
        "nodaemon": "true",
        "silent": "true",
        "umask": "077",
        **({"user": "root"} if os.getuid() == 0 else {}),
    }
    parser["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    for service in services:
        parser[f"program:{service.name}"] = _program(settings, service)
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def environment_mark(environment: Mapping[str, str], services: tuple[Service, ...]) -> str:
    """A short name for settings and services: a supervisor that runs with another one must be started anew."""
    ours = {name: value for name, value in environment.items() if name.startswith("APPLIANCE_")}
    content = repr((sorted(ours.items()), services))
    return "appliance-" + hashlib.sha256(content.encode()).hexdigest()[:16]


def _program(settings: Settings, service: Service) -> dict[str, str]:
    return {
        "command": _plain(shlex.join(service.command)),
        "directory": _plain(settings.home),
        "priority": str(service.order),
        "autostart": "true",
        "autorestart": "true",
        "startsecs": "2",
        "startretries": str(_RESTARTS),
        "stopsignal": "TERM",
        "stopwaitsecs": str(settings.supervision.stop_grace_s),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"{_LOGS}/{service.name}.log",
        "stdout_logfile_maxbytes": f"{settings.supervision.log_mib}MB",
        "stdout_logfile_backups": str(settings.supervision.log_files),
    }


def _plain(text: Path | str) -> str:
    """As supervisor reads it: a percent sign would start an expansion."""
    return str(text).replace("%", "%%")
