"""dcmsend is driven as a modality sends, and its own account is believed, not its exit status alone."""

import os
from pathlib import Path

import pytest

from appliance.domain.errors import DestinationUnavailable, SettingsError, UsageError
from appliance.node import sender
from appliance.node.sender import send
from appliance.settings import Settings


def dcmsend(folder: Path, script: str) -> Path:
    """A stand-in that keeps its arguments in a file beside it."""
    file = folder / "dcmsend"
    file.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >"{folder}/arguments"\necho "$TCP_NODELAY" >"{folder}/nodelay"\n{script}\n'
    )
    file.chmod(0o755)
    return file


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def install(script: str) -> None:
        path = dcmsend(tmp_path, script)
        monkeypatch.setattr(sender, "find_program", lambda _: path)

    return install


def test_what_was_stored_is_counted(settings: Settings, tmp_path: Path, program) -> None:  # type: ignore[no-untyped-def]
    program("echo 'I:   * with status SUCCESS : 7'")
    assert send(settings, [tmp_path / "a folder"], aet="CT1") == 7
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[arguments.index("--aetitle") + 1] == "CT1"
    assert arguments[arguments.index("--call") + 1] == settings.dicom.aet
    assert arguments[-3:] == ["127.0.0.1", str(settings.dicom.port), str(tmp_path / "a folder")]
    assert (tmp_path / "nodelay").read_text().strip() == "1"


@pytest.mark.parametrize(
    "script",
    ["echo 'E: Association Request Failed'; exit 1", "echo 'I:   * with status SUCCESS : 0'", "true"],
    ids=["refused", "stored nothing", "said nothing"],
)
def test_a_node_that_does_not_take_the_files_is_unavailable(settings: Settings, program, script: str) -> None:  # type: ignore[no-untyped-def]
    program(script)
    with pytest.raises(DestinationUnavailable):
        send(settings, [Path("a.dcm")])


def test_half_a_success_is_a_failure(settings: Settings, program) -> None:  # type: ignore[no-untyped-def]
    program("echo 'I:   * with status SUCCESS : 3'; echo 'E: Store Failed'; exit 42")
    with pytest.raises(DestinationUnavailable, match="Store Failed"):
        send(settings, [Path("a.dcm")])


def test_nothing_to_send_is_said(settings: Settings) -> None:
    with pytest.raises(UsageError):
        send(settings, [])


def test_without_dcmtk_the_package_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(sender, "find_program", lambda _: None)
    with pytest.raises(SettingsError, match="dcmtk"):
        send(settings, [Path("a.dcm")])
