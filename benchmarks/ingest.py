"""C-STORE into a bare Orthanc against one with gate and announcements: 300 objects of 0.5 MB on one association.

    python -m benchmarks.ingest

TCP_NODELAY is on at both ends. The two run side by side and are asked in turn, so that what else the machine does meets
both; announcements go to a web service that takes them. The sender's own work is measured with both.
"""

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
import psutil

from appliance.domain.errors import NodeNotReady
from appliance.domain.identifiers import derived_uid
from appliance.node.orthanc_config import node_configuration
from appliance.node.sender import send
from appliance.node.system import find_orthanc
from appliance.node.watched_orthanc import MEMORY
from appliance.settings import LOOPBACK, ORTHANC_USER, SecretName, Settings
from benchmarks.decoding import ct_slice

OBJECTS = 300
ROUNDS = 5
_PATIENCE_S = 60.0


class _Taker(BaseHTTPRequestHandler):
    """Takes announcements."""

    def do_POST(self) -> None:
        """202 to everything."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="benchmark ") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        taker = ThreadingHTTPServer((LOOPBACK, 0), _Taker)
        threading.Thread(target=taker.serve_forever, daemon=True).start()
        stack.callback(taker.shutdown)
        nodes = {
            kind: stack.enter_context(_orthanc(folder / kind, taker.server_port, guarded=kind == "with the gate"))
            for kind in ("bare", "with the gate")
        }
        seconds: dict[str, list[float]] = {kind: [] for kind in nodes}
        processor: dict[str, list[float]] = {kind: [] for kind in nodes}
        for number in range(ROUNDS + 1):
            files = _files(folder / f"round-{number}", number)
            order = list(nodes) if number % 2 else list(reversed(nodes))
            for kind in order:
                settings, process = nodes[kind]
                start, used = time.perf_counter(), _processor_s(process)
                send(settings, files)
                if number:
                    seconds[kind].append(time.perf_counter() - start)
                    processor[kind].append(_processor_s(process) - used)
        for kind, times in seconds.items():
            used = 1000 * median(processor[kind]) / OBJECTS
            print(f"{kind}: {OBJECTS / median(times):.0f} objects/s, {used:.2f} ms of processor time for each")
        pairs = [guarded / bare for bare, guarded in zip(*seconds.values(), strict=True)]
        best = min(seconds["with the gate"]) / min(seconds["bare"])
        print(f"time with the gate / bare: median of pairs {median(pairs):.3f}, best against best {best:.3f}")


def _processor_s(process: psutil.Process) -> float:
    """What Orthanc has used; other than the clock, it tells little of what else the machine does."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _files(folder: Path, number: int) -> list[Path]:
    folder.mkdir()
    values = np.random.default_rng(number).integers(-1000, 1000, (512, 512)).astype(np.int16)
    files = []
    for index in range(OBJECTS):
        item = ct_slice(index, values)
        item.SOPInstanceUID = derived_uid("benchmark", "ingest", str(number), str(index))
        item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID
        files.append(folder / f"{index:04d}.dcm")
        item.save_as(files[-1], enforce_file_format=True)
    return files


@contextlib.contextmanager
def _orthanc(folder: Path, web_port: int, *, guarded: bool) -> Iterator[tuple[Settings, psutil.Process]]:
    folder.mkdir()
    dicom, http = free_port(), free_port()
    settings = Settings(home=folder, dicom={"port": dicom}, orthanc={"http_port": http}, web={"port": web_port})
    for secret in SecretName:
        settings.secrets.get(secret)
    configuration = node_configuration(settings, find_orthanc(settings))
    if not guarded:
        configuration |= {"Plugins": [], "PythonScript": ""}
    file = folder / "orthanc.json"
    file.write_text(json.dumps(configuration), encoding="utf-8")
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(
            [str(find_orthanc(settings).binary), str(file)],
            stdout=log,
            stderr=log,
            env=os.environ | {"TCP_NODELAY": "1"} | MEMORY,
        )
    try:
        _wait(settings)
        yield settings, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait(settings: Settings) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    auth = (ORTHANC_USER, settings.secrets.get(SecretName.ORTHANC))
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{settings.orthanc_url}/system", auth=auth, trust_env=False).status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise NodeNotReady("Orthanc does not start", where="orthanc")


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
