"""Whoever runs Orthanc writes down what it died of, and only that."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from appliance.gate.crashes import NOTES, crashes
from appliance.gate.notes import Notes
from tests.helpers.services import wait_for


def _watch(folder: Path, script: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "appliance.node.watched_orthanc", str(folder), "bash", "-c", script]
    return subprocess.Popen(command)


@pytest.mark.parametrize("name", ["SEGV", "ABRT", "BUS"])
def test_a_fault_is_written_down_with_what_was_being_handled(tmp_path: Path, name: str) -> None:
    Notes(tmp_path / NOTES).begin("store", "1-abc")
    assert _watch(tmp_path, f"kill -{name} $$").wait(60) == 128 + getattr(signal, f"SIG{name}")
    ((_, record),) = crashes(tmp_path)
    assert (record["signal"], record["stored"], record["handled"]) == (f"SIG{name}", ["1-abc"], False)


@pytest.mark.parametrize("script", ["exit 0", "exit 3", "kill -KILL $$", "kill -TERM $$"])
def test_any_other_end_makes_nothing_suspect(tmp_path: Path, script: str) -> None:
    Notes(tmp_path / NOTES).begin("store", "1-abc")
    _watch(tmp_path, script).wait(60)
    assert crashes(tmp_path) == []


def test_an_orderly_stop_reaches_orthanc(tmp_path: Path) -> None:
    ready, stopped = tmp_path / "ready", tmp_path / "stopped"
    watcher = _watch(tmp_path, f"trap 'touch {stopped}; exit 0' TERM; touch {ready}; while true; do sleep 0.05; done")
    wait_for(ready.exists, "the start")
    watcher.terminate()
    assert watcher.wait(60) == 0
    assert stopped.exists()


def test_orthanc_does_not_outlive_who_watches_it(tmp_path: Path) -> None:
    number = tmp_path / "pid"
    watcher = _watch(tmp_path, f"echo $$ > {number}.draft; mv {number}.draft {number}; while true; do sleep 0.05; done")
    wait_for(number.exists, "the start")
    watcher.kill()
    watcher.wait(60)
    wait_for(lambda: not _runs(int(number.read_text())), "its end")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def test_crashes_of_the_last_hour_are_counted(tmp_path: Path) -> None:
    from appliance.gate.crashes import record_crash
    from appliance.node.health.quarantine import crashes_of_the_last_hour, orthanc_crashes
    from appliance.settings import Settings

    settings = Settings(home=tmp_path)
    assert [line.state.value for line in orthanc_crashes(settings)] == ["ok"]
    for _ in range(3):
        record_crash(settings.crashes, "SIGSEGV")
        time.sleep(0.001)
    assert crashes_of_the_last_hour(settings) == 3
    assert [line.state.value for line in orthanc_crashes(settings)] == ["failed"]
