"""A log that cannot be written ends neither the supervisor nor what it watches."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIGURATION = """
[supervisord]
nodaemon=true
silent=true
logfile=/dev/full
logfile_maxbytes=0
pidfile={folder}/pid
[program:talker]
command=sh -c 'while echo line; do echo . >> {folder}/alive; sleep 0.1; done'
startsecs=0
stdout_logfile=/dev/full
stdout_logfile_maxbytes=0
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_services_outlive_a_full_disk(tmp_path: Path) -> None:
    """Standard error is on the full disk too, as the log of the start is."""
    file = tmp_path / "supervisor.conf"
    file.write_text(CONFIGURATION.format(folder=tmp_path), encoding="utf-8")
    command = [sys.executable, "-m", "appliance.node.supervisord", "--configuration", str(file)]
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    with Path("/dev/full").open("wb") as full:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=full, stderr=full, env=environment)
    try:
        alive, deadline = tmp_path / "alive", time.monotonic() + 30
        while not (alive.exists() and alive.stat().st_size > 20) and time.monotonic() < deadline:
            assert process.poll() is None, "the supervisor has ended"
            time.sleep(0.1)
        assert alive.stat().st_size > 20, "the service goes on talking"
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        process.kill()
        process.wait()
