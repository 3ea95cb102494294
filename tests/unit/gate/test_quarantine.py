"""The quarantine folder keeps what was kept out: whole, bounded, and under names of its own."""

import json
from pathlib import Path

import pytest

from appliance.gate.quarantine import QuarantineFolder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "quarantine"


def test_bytes_and_record_are_kept_for_their_owner_only(folder: Path) -> None:
    held = QuarantineFolder(folder).hold(b"hostile", "gate-nesting", "too deep", way="dicom")
    store = QuarantineFolder(folder)
    assert store.content_path(held["id"]).read_bytes() == b"hostile"
    (record,) = store.records()
    assert (record["code"], record["size"], record["way"], record["times"], record["kept"]) == (
        "gate-nesting",
        7,
        "dicom",
        1,
        True,
    )
    assert held["id"] == record["sha256"][:32]
    assert store.content_path(held["id"]).stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


def test_the_same_bytes_again_only_count(folder: Path) -> None:
    store = QuarantineFolder(folder)
    first = store.hold(b"same", "gate-structure", "")
    again = store.hold(b"same", "gate-structure", "")
    assert (first["times"], again["times"], again["at"]) == (1, 2, first["at"])
    assert len(list(folder.glob("*.dcm"))) == 1


def test_a_full_folder_lets_the_oldest_bytes_go_and_says_so(folder: Path) -> None:
    import os

    store = QuarantineFolder(folder, limit_bytes=25)
    names = []
    for number in range(3):
        held = store.hold(bytes([number]) * 10, "gate-structure", "")
        os.utime(store.content_path(held["id"]), (number + 1, number + 1))
        names.append(held["id"])
    assert held["dropped"] == names[:1]
    assert {record["id"]: record["kept"] for record in store.records()} == dict(
        zip(names, [False, True, True], strict=True)
    )
    assert not store.content_path(names[0]).exists()


def test_what_is_larger_than_the_folder_leaves_its_record(folder: Path) -> None:
    store = QuarantineFolder(folder, limit_bytes=10)
    small = store.hold(b"small", "gate-structure", "")
    large = store.hold(b"x" * 11, "gate-too-large", "")
    assert (large["kept"], large["dropped"]) == (False, [])
    assert store.content_path(small["id"]).exists()


def test_the_sender_can_be_added_later(folder: Path) -> None:
    store = QuarantineFolder(folder)
    name = store.hold(b"x", "gate-structure", "")["id"]
    store.amend(name, calling_aet="CT1")
    assert store.records()[0]["calling_aet"] == "CT1"
    store.amend("unknown", calling_aet="CT1")


def test_a_damaged_record_hides_no_other(folder: Path) -> None:
    store = QuarantineFolder(folder)
    store.hold(b"x", "gate-structure", "")
    (folder / f"{'0' * 32}.json").write_text("{")
    assert len(store.records()) == 1


def test_nothing_is_left_half_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = QuarantineFolder(folder)

    def full(*_: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="space"):
        store.hold(b"x", "gate-structure", "")
    assert [path for path in folder.iterdir() if path.is_file()] == []


def test_only_what_was_admitted_passes_and_only_until_it_is_withdrawn(folder: Path) -> None:
    store = QuarantineFolder(folder)
    sha256 = store.hold(b"x", "gate-too-large", "")["sha256"]
    assert not store.is_admitted(sha256)
    store.admit(sha256)
    assert store.is_admitted(sha256)
    store.withdraw(sha256)
    assert not store.is_admitted(sha256)


def test_removing_forgets_bytes_and_record(folder: Path) -> None:
    store = QuarantineFolder(folder)
    store.remove(store.hold(b"x", "gate-structure", "")["id"])
    assert store.records() == []
    assert json.dumps([str(path) for path in folder.rglob("*.dcm")]) == "[]"
