"""The machine under the appliance: disk, inodes, ports, clock."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import psutil

from appliance.bootstrap import Appliance
from appliance.domain.errors import ApplianceError
from appliance.node import supervision
from appliance.node.health.check import Line, failed, ok, warning
from appliance.node.system import is_free, ports
from appliance.settings import Settings

LOW_GIB = 10.0
FULL_GIB = 1.0
LOW_INODES = 100_000
_GIB = 2**30
_FOLDERS = {
    ".": "state",
    "orthanc": "Orthanc's storage",
    "results": "results",
    "cache": "cache",
    "quarantine": "quarantine",
}
_CLOCK_WARNING_S = 2.0
_CLOCK_FAILED_S = 60.0
_CLOCK_SET_S = 10.0


def disk(settings: Settings) -> Iterator[Line]:
    """Space and inodes of every file system that holds a part of the state."""
    settings.state.mkdir(parents=True, exist_ok=True)
    for place, names in _file_systems(settings.state).items():
        yield _space(place, names)
        yield from _inodes(place, names)


def _file_systems(state: Path) -> dict[Path, list[str]]:
    """One folder for each file system, and which parts of the state are on it."""
    found: dict[int, tuple[Path, list[str]]] = {}
    for name, title in _FOLDERS.items():
        folder = state / name
        if folder.is_dir():
            found.setdefault(folder.stat().st_dev, (folder, []))[1].append(title)
    return dict(found.values())


def _space(place: Path, names: list[str]) -> Line:
    usage = shutil.disk_usage(place)
    free, part = usage.free / _GIB, f"disk of {', '.join(names)}"
    detail = f"{free:.0f} of {usage.total / _GIB:.0f} GiB free"
    if free < FULL_GIB:
        return failed(part, detail, "Free space now, see runbooks/disk-full.md: nothing can be stored any more.")
    if free < LOW_GIB:
        return warning(part, detail, "Free space, see runbooks/disk-full.md.")
    return ok(part, detail)


def _inodes(place: Path, names: list[str]) -> Iterator[Line]:
    status = os.statvfs(place)
    if status.f_files and status.f_favail < LOW_INODES:
        do = "Remove small files from this file system, or move the state folder to one with more inodes."
        yield warning(f"inodes of {', '.join(names)}", f"{status.f_favail} free", do)


def storage(settings: Settings, node: Appliance) -> Iterator[Line]:
    """Whether the disk holds what Orthanc is allowed to keep; at that limit Orthanc removes the oldest studies."""
    allowed = settings.orthanc.maximum_storage_mib / 1024
    used = float(node.orthanc.statistics()["TotalDiskSizeMB"]) / 1024
    room = used + shutil.disk_usage(settings.state / "orthanc").free / _GIB - LOW_GIB
    if allowed == 0 or allowed > room:
        limit = "any amount" if allowed == 0 else f"{allowed:.0f} GiB"
        do = f"Set orthanc.maximum_storage_mib to {max(1024, int(room * 1024))} or less, or enlarge the disk."
        yield warning("Orthanc's limit", f"it may keep {limit}, the disk has room for {max(0.0, room):.0f} GiB", do)
    else:
        yield ok("Orthanc's limit", f"{used:.1f} of {allowed:.0f} GiB used")


def open_ports(settings: Settings, *, demo: bool) -> Iterator[Line]:
    """Each port is free while the node is down, and ours while it is up."""
    running = supervision.status(settings)
    ours = {service.pid for service in running}
    holders = _listeners()
    for setting, port in ports(settings, demo=demo).items():
        part = f"port {port} ({setting})"
        holder = holders.get(port)
        if holder is not None and _descends(holder, ours):
            yield ok(part, "ours")
        elif is_free(port):
            if running:
                yield failed(part, "nobody listens, although the node runs", "Read the logs in state/logs.")
            else:
                yield ok(part, "free")
        else:
            who = f"{holder.name()} (process {holder.pid})" if holder else "another program"
            yield failed(part, f"used by {who}", f"Stop that program, or set another {setting}.")


def _descends(process: psutil.Process, ours: set[int | None]) -> bool:
    """Whether a process is one of ours, or one that ours started, as who watches over Orthanc does."""
    with contextlib.suppress(psutil.Error):
        return process.pid in ours or any(parent.pid in ours for parent in process.parents())
    return False


def _listeners() -> dict[int, psutil.Process | None]:
    """Port -> the process that listens on it, None where the system does not tell."""
    found: dict[int, psutil.Process | None] = {}
    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return found
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr:
            found[connection.laddr.port] = None
            with contextlib.suppress(psutil.Error):
                found[connection.laddr.port] = psutil.Process(connection.pid) if connection.pid else None
    return found


def clock(settings: Settings, node: Appliance) -> Iterator[Line]:
    """The clock against itself (was it set while the node ran?), against the network and against Orthanc and PACS."""
    yield _synchronised()
    for service in supervision.status(settings):
        if service.pid and service.since and psutil.pid_exists(service.pid):
            moved = service.since - psutil.Process(service.pid).create_time()
            if abs(moved) > _CLOCK_SET_S:
                do = "Restart the node (appliance down, appliance up), and let a time service keep the clock."
                yield warning("clock was set", f"by {moved:+.0f} s since {service.name} was started", do)
                break
    for name, there in _other_clocks(settings, node):
        yield _drift(name, (there - datetime.now(UTC)).total_seconds())


def _synchronised() -> Line:
    do = "Install and start a time service such as chrony or systemd-timesyncd."
    try:
        answer = subprocess.run(
            ["timedatectl", "show", "--property", "NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ok("clock", f"{time.strftime('%Y-%m-%d %H:%M:%S %Z')}; this system does not say who keeps it")
    if answer.stdout.strip() == "yes":
        return ok("clock", "kept by a time service")
    if answer.stdout.strip() == "no":
        return warning("clock", "no time service keeps it: results would carry wrong times", do)
    return ok("clock", f"{time.strftime('%Y-%m-%d %H:%M:%S %Z')}; this system does not say who keeps it")


def clock_and_ledger(node: Appliance) -> Iterator[Line]:
    """Whether the ledger remembers a moment that has not come yet."""
    newest = node.studies.latest(1)
    if newest and newest[0].last_arrival_at > datetime.now(UTC) + timedelta(seconds=_CLOCK_WARNING_S):
        do = "Set the clock right. Until it has passed that moment, waiting times and leases are wrong."
        yield failed("clock", f"the ledger holds an arrival of {newest[0].last_arrival_at:%Y-%m-%d %H:%M:%S}", do)


def _other_clocks(settings: Settings, node: Appliance) -> Iterator[tuple[str, datetime]]:
    """What time it is elsewhere; who does not answer is reported by other checks."""
    with contextlib.suppress(ApplianceError):
        yield "Orthanc's clock", node.orthanc.now()
    for place in settings.destinations:
        if place.kind == "stow":
            with contextlib.suppress(httpx.HTTPError, KeyError, ValueError):
                answer = httpx.head(place.url, timeout=5.0, trust_env=False)
                yield f"clock of {place.name}", parsedate_to_datetime(answer.headers["Date"])


def _drift(name: str, seconds: float) -> Line:
    detail = f"{seconds:+.0f} s from ours" if abs(seconds) >= 1 else "as ours"
    do = "Let a time service keep both clocks."
    if abs(seconds) > _CLOCK_FAILED_S:
        return failed(name, detail, do)
    return warning(name, detail, do) if abs(seconds) > _CLOCK_WARNING_S else ok(name, detail)
