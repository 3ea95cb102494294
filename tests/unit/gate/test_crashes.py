"""What was being handled when Orthanc died can be told afterwards."""

import threading
import time
from pathlib import Path

import pytest

from appliance.gate.crashes import NOTES, crashes, mark_handled, record_crash
from appliance.gate.notes import Notes, fingerprint, read_notes
from tests.helpers.services import wait_for


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path / NOTES)


def test_a_note_is_there_until_it_ends(notes: Notes, tmp_path: Path) -> None:
    notes.begin("store", "1-abc")
    assert [note["what"] for note in read_notes(tmp_path / NOTES)] == ["1-abc"]
    notes.end()
    assert read_notes(tmp_path / NOTES) == []


def test_threads_have_notes_of_their_own(notes: Notes, tmp_path: Path) -> None:
    notes.begin("store", "first")
    thread = threading.Thread(target=notes.begin, args=("read", "/instances/x/tags"))
    thread.start()
    thread.join()
    assert [note["what"] for note in read_notes(tmp_path / NOTES)] == ["/instances/x/tags", "first"]


def test_a_torn_note_is_left_out(notes: Notes, tmp_path: Path) -> None:
    notes.begin("store", "whole")
    content = bytearray((tmp_path / NOTES).read_bytes())
    content[512:520] = b'{"kind":'
    (tmp_path / NOTES).write_bytes(content)
    assert [note["what"] for note in read_notes(tmp_path / NOTES)] == ["whole"]


def test_a_crash_names_every_object_being_stored_and_the_last_one_read(notes: Notes, tmp_path: Path) -> None:
    done = threading.Event()

    def busy(kind: str, what: str) -> None:
        notes.begin(kind, what)
        done.wait(20)

    work = [("store", "1-a"), ("store", "1-b"), ("read", "/instances/old/tags"), ("read", "/new/tags")]
    threads = [threading.Thread(target=busy, args=each) for each in work]
    for count, thread in enumerate(threads, 1):
        thread.start()
        wait_for(lambda count=count: len(read_notes(tmp_path / NOTES)) == count, "the note")
    record = record_crash(tmp_path, "SIGSEGV")
    done.set()
    for thread in threads:
        thread.join()
    assert record["stored"] == ["1-a", "1-b"]
    assert record["read"] == ["/new/tags"]


def test_what_was_noted_long_before_is_no_suspect(
    notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes.begin("store", "1-a")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 60)
    assert record_crash(tmp_path, "SIGSEGV")["stored"] == []


def test_a_crash_is_dealt_with_once(notes: Notes, tmp_path: Path) -> None:
    record_crash(tmp_path, "SIGSEGV")
    ((path, record),) = crashes(tmp_path)
    assert not record["handled"]
    mark_handled(path, record)
    assert crashes(tmp_path)[0][1]["handled"]


def test_objects_that_differ_at_either_end_or_in_length_have_other_fingerprints() -> None:
    content = bytes(100_000)
    others = [b"x" + content[1:], content[:-1] + b"x", content + b"\0", b"", b"x"]
    assert len({fingerprint(each) for each in [content, *others]}) == 6
    assert fingerprint(bytes(100_000)) == fingerprint(content)
