"""The unit files, judged by systemd itself."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers.compose import PROJECT

UNIT = PROJECT / "packaging" / "systemd" / "appliance.service"
WORST = 2.0
"""Exposure by `systemd-analyze security`, from 0 (none) to 10."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is on every machine, since verify looks for it."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    text = UNIT.read_text(encoding="utf-8")
    assert "/opt/appliance/.venv/bin/appliance" in text
    file = tmp_path / UNIT.name
    file.write_text(text.replace("/opt/appliance/.venv/bin/appliance", "/bin/true"), encoding="utf-8")
    return file


def _analyze(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = ["systemd-analyze", "--no-pager", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("gpu", [False, True])
def test_systemd_understands_every_line(unit: Path, gpu: bool) -> None:
    if gpu:
        folder = unit.with_name(f"{unit.name}.d")
        folder.mkdir()
        shutil.copy(UNIT.with_name("gpu.conf"), folder)
    said = _analyze("verify", unit)
    assert (said.returncode, said.stderr) == (0, "")


def test_the_sandbox_leaves_little_exposed(unit: Path) -> None:
    said = _analyze("security", "--offline=true", f"--threshold={int(WORST * 10)}", unit)
    assert said.returncode == 0, said.stdout[-300:]
