"""Crashes of Orthanc: what was being handled when it died, written by who found it dead, read when it starts again."""

import json
import os
import time
from pathlib import Path
from typing import Any

from .notes import read_notes

Crash = dict[str, Any]
"""at (UNIX time), signal, stored (fingerprints), read (paths), handled."""

NOTES = "notes"
"""The file of the notes, in the folder of the crash records."""

_RECENT_S = 10.0


def record_crash(folder: Path, signal: str) -> Crash:
    """Write down a crash by `signal` with its suspects; the record.

    Suspects are the objects that were being stored, and the one resource that was read last, all of them within the
    last seconds: an older note is of a thread that has been idle since.
    """
    now = time.time()
    recent = [note for note in read_notes(folder / NOTES) if now - note["at"] <= _RECENT_S]
    stored = sorted({note["what"] for note in recent if note["kind"] == "store"})
    read = [note["what"] for note in recent if note["kind"] == "read"][:1]
    record: Crash = {"at": now, "signal": signal, "stored": stored, "read": read, "handled": False}
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / f"{time.time_ns():020d}.json", record)
    return record


def crashes(folder: Path) -> list[tuple[Path, Crash]]:
    """Every crash, the oldest first: (path, record)."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append((path, json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError):
            continue
    return found


def mark_handled(path: Path, record: Crash) -> None:
    """Note that the suspects of a crash were dealt with, so that it happens once."""
    _write(path, {**record, "handled": True})


def _write(path: Path, record: Crash) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(record), encoding="utf-8")
    draft.replace(path)
