"""Real services for tests: free ports, Orthanc and Redis, each in a folder of its own and stopped at the end.

Import the fixtures from `tests.helpers.services` in a conftest.py of your own test folder; the context managers
(`orthanc`, `redis`) serve where a test wants to start and stop by itself.

The Orthanc is the distribution's, or that of another release in the folder that $ORTHANC_TREE names, see
tools/orthanc_trixie.sh.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from appliance.settings import Settings

TREE = Path(os.environ["ORTHANC_TREE"]).resolve() if os.environ.get("ORTHANC_TREE") else None
PLUGINS = (
    (TREE / "usr/share/orthanc/plugins",)
    if TREE
    else (Path("/usr/share/orthanc/plugins"), Path("/usr/lib/orthanc/plugins"))
)
PATIENCE_S = 60.0


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(count: int) -> list[int]:
    """`count` different free ports."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def on_free_ports(settings: Settings) -> Settings:
    """The same node on ports that nobody uses, so that suites that run at the same time do not meet."""
    dicom, http, redis_port, web, demo_dicom, demo_http = free_ports(6)
    changes: dict[str, dict[str, int]] = {
        "dicom": {"port": dicom},
        "orthanc": {"http_port": http},
        "redis": {"port": redis_port},
        "web": {"port": web},
        "demo": {"dicom_port": demo_dicom, "http_port": demo_http},
    }
    return settings.model_copy(
        update={name: getattr(settings, name).model_copy(update=update) for name, update in changes.items()}
    )


def wait_for(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Ask until the answer is true and give it back; the limit is only there so that a broken test ends."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {patience_s:g} s in vain for {what}")


def program(name: str) -> str:
    """Path of a system program; the test is skipped where it is missing, unless CI says that nothing may be."""
    if name == "Orthanc" and TREE:
        return str(TREE / name)
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def plugin(name: str) -> Path:
    """Path of an Orthanc plugin such as `libOrthancDicomWeb.so`."""
    for folder in PLUGINS:
        if (folder / name).exists():
            return folder / name
    pytest.skip(f"the Orthanc plugin {name} is not installed")


def orthanc_settings() -> dict[str, Any]:
    """What the section `orthanc` of the settings needs to run the Orthanc of the generation under test."""
    if TREE is None:
        return {}
    return {
        "binary": program("Orthanc"),
        "plugins": [plugin(f"libOrthanc{name}.so") for name in ("Python", "DicomWeb")],
    }


@dataclass(kw_only=True)
class OrthancServer:
    """A running Orthanc, on loopback only. `login` is user and password where its configuration asks for one,
    `upload_token` what its plugin asks of uploads."""

    aet: str
    http_port: int
    dicom_port: int
    folder: Path
    login: tuple[str, str] | None = None
    upload_token: str = ""
    process: "subprocess.Popen[bytes]" = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def dicomweb(self) -> str:
        return f"{self.url}/dicom-web"

    @property
    def log(self) -> str:
        return (self.folder / "orthanc.log").read_text(errors="replace")

    def get(self, path: str) -> Any:
        """The JSON answer of the REST API."""
        with self._open(path) as response:
            return json.load(response)

    def post_instance(self, file: Path) -> str:
        """Store one file by HTTP; returns Orthanc's identifier."""
        with self._open("/instances", file.read_bytes()) as response:
            return str(json.load(response)["ID"])

    @property
    def authorization(self) -> str:
        """The value of the header of that name."""
        return "Basic " + b64encode(":".join(self.login or ("", "")).encode()).decode()

    def _open(self, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(f"{self.url}{path}", data=body)
        if self.login:
            request.add_header("Authorization", self.authorization)
        if self.upload_token:
            request.add_header("X-Appliance-Upload", self.upload_token)
        return urllib.request.urlopen(request, timeout=30)

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"Orthanc ended with status {self.process.returncode}:\n{self.log[-3000:]}")
        try:
            return bool(self.get("/system"))
        except (urllib.error.URLError, OSError):
            return False


def configuration(folder: Path, **changes: Any) -> dict[str, Any]:
    """Orthanc's settings for a test; `changes` are added to them and win."""
    http_port, dicom_port = free_ports(2)
    return {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "HttpPort": http_port,
        "DicomPort": dicom_port,
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "HttpCompressionEnabled": False,
        "DicomAlwaysAllowStore": True,
        "UnknownSopClassAccepted": True,
        "StableAge": 2,
        "SyncStorageArea": False,
        "SaveJobs": False,
        "Plugins": [],
    } | changes


@contextlib.contextmanager
def orthanc(folder: Path, environment: dict[str, str] | None = None, **changes: Any) -> Iterator[OrthancServer]:
    """Run an Orthanc in `folder` with the settings of `configuration`."""
    binary = program("Orthanc")
    folder.mkdir(parents=True, exist_ok=True)
    settings = configuration(folder, **changes)
    file = folder / "orthanc.json"
    file.write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("ab") as log:
        process = subprocess.Popen(
            [binary, str(file)],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"TCP_NODELAY": "1"} | (environment or {}),
        )
    server = OrthancServer(
        aet=settings["DicomAet"],
        http_port=settings["HttpPort"],
        dicom_port=settings["DicomPort"],
        folder=folder,
        login=next(iter(settings["RegisteredUsers"].items())) if settings["AuthenticationEnabled"] else None,
        upload_token=_upload_token(settings),
        process=process,
    )
    try:
        wait_for(server.is_ready, "Orthanc")
        yield server
    finally:
        stop(process)


def _upload_token(settings: dict[str, Any]) -> str:
    file = Path(settings.get("Appliance", {}).get("UploadTokenFile", ""))
    return file.read_text().strip() if file.is_file() else ""


@dataclass(kw_only=True)
class RedisServer:
    """A running Redis with a password."""

    port: int
    password: str
    process: "subprocess.Popen[bytes]" = field(repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


@contextlib.contextmanager
def redis(folder: Path, port: int | None = None, password: str = "test") -> Iterator[RedisServer]:
    """Run a Redis in `folder`."""
    binary = program("redis-server")
    folder.mkdir(parents=True, exist_ok=True)
    server = port or free_port()
    arguments = ["--port", str(server), "--bind", "127.0.0.1", "--requirepass", password, "--save", "", "--dir", "."]
    with (folder / "redis.log").open("ab") as log:
        process = subprocess.Popen([binary, *arguments], cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: _listens(server), "Redis")
        yield RedisServer(port=server, password=password, process=process)
    finally:
        stop(process)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process politely, then for good."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def orthanc_server(tmp_path: Path) -> Iterator[OrthancServer]:
    """An Orthanc of its own for this test, with DICOMweb."""
    with orthanc(tmp_path / "orthanc", Plugins=[str(plugin("libOrthancDicomWeb.so"))]) as server:
        yield server


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of its own for this test."""
    with redis(tmp_path / "redis") as server:
        yield server
