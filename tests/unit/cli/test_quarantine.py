"""`appliance quarantine` as a person uses it."""

from pathlib import Path

import pytest

from appliance.gate.quarantine import QuarantineFolder
from tests.unit.cli.conftest import Run


@pytest.fixture
def folder(home: Path) -> QuarantineFolder:
    return QuarantineFolder(home / "state" / "quarantine")


def test_nothing_is_held_at_first(run: Run) -> None:
    assert "Nothing is held." in run("quarantine", "list").out


def test_what_was_kept_out_is_listed_and_shown(run: Run, folder: QuarantineFolder) -> None:
    name = folder.hold(b"deep", "gate-nesting", "nested deeper than 32", way="dicom")["id"]
    listed = run("quarantine", "list")
    assert name[:10] in listed.out
    assert "gate-nesting" in listed.out
    (row,) = run("quarantine", "show", name[:10], "--json").data
    assert (row["id"], row["detail"], row["may_be_released"]) == (name, "nested deeper than 32", False)


def test_a_parser_killer_is_not_released(run: Run, folder: QuarantineFolder) -> None:
    name = folder.hold(b"deep", "gate-nesting", "")["id"]
    said = run("quarantine", "release", name, "--reason", "please")
    assert said.code == 6
    assert "quarantine-not-releasable" in said.err


def test_discarding_needs_a_reason(run: Run, folder: QuarantineFolder) -> None:
    name = folder.hold(b"deep", "gate-nesting", "")["id"]
    assert run("quarantine", "discard", name).code == 2
    assert run("quarantine", "discard", name, "--reason", "an attack", "--by", "Ada").code == 0
    assert "Nothing is held." in run("quarantine", "list").out
    (row,) = run("quarantine", "list", "--state", "discarded", "--json").data
    assert (row["decided_by"], row["decision"], row["kept"]) == ("Ada", "an attack", False)


def test_an_unknown_identifier_is_said_to_be_unknown(run: Run) -> None:
    assert "quarantine-unknown-object" in run("quarantine", "show", "ffff").err
