"""What containers and systemd call."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from appliance.cli.output import ExitCode
from appliance.node.environment import MARK
from tests.unit.cli.conftest import SETTINGS, Run

ELSEWHERE = """
[orthanc]
host = "127.0.0.1"
version = "1.12.10"
plugins = ["/there/libOrthancPython.so", "/there/libOrthancDicomWeb.so"]
"""


def test_migrate_says_from_where_to_where(run: Run, home: Path) -> None:
    assert "from schema none to" in run("migrate").out
    assert "already" in run("migrate").out
    assert (home / "state" / "ledger.sqlite").is_file()


def test_a_service_takes_the_place_of_the_command(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr(os, "execve", lambda *arguments: called.append(arguments))
    assert run("serve", "worker-planning").code == ExitCode.DONE
    ((program, command, environment),) = called
    assert program == command[0]
    assert "planning,delivery" in command
    assert environment["APPLIANCE_HOME"] == str(home)
    assert MARK not in environment


def test_a_service_that_is_none_of_ours_is_wrong_usage(run: Run, home: Path) -> None:
    said = run("serve", "orthanc")
    assert said.code == ExitCode.USAGE
    assert "worker-inference-cpu" in said.err


def test_the_configuration_of_an_orthanc_elsewhere_needs_none_here(run: Run, home: Path) -> None:
    (home / "appliance.toml").write_text(SETTINGS.split("[[destinations]]")[0] + ELSEWHERE, encoding="utf-8")
    assert run("orthanc-config", "--out", home / "orthanc.json").code == ExitCode.DONE
    written = json.loads((home / "orthanc.json").read_text(encoding="utf-8"))
    assert written["Plugins"] == ["/there/libOrthancPython.so", "/there/libOrthancDicomWeb.so"]
    assert written["HttpBindAddresses"] == ["127.0.0.1"]
    assert (home / "orthanc.json").stat().st_mode & 0o077 == 0


def test_an_orthanc_elsewhere_needs_the_paths_of_both_plugins(run: Run, home: Path) -> None:
    incomplete = ELSEWHERE.replace(', "/there/libOrthancDicomWeb.so"', "")
    (home / "appliance.toml").write_text(SETTINGS.split("[[destinations]]")[0] + incomplete, encoding="utf-8")
    said = run("orthanc-config", "--out", home / "orthanc.json")
    assert (said.code, "libOrthancDicomWeb.so" in said.err) == (ExitCode.SETTINGS, True)
