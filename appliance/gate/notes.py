"""What Orthanc is busy with, noted where a crash cannot take it: slots of a file that is mapped into memory.

A note costs a copy of some bytes, no system call: the kernel keeps the page when the process dies. Each thread has a
slot of its own, with one line in it (time, kind, what), or a zero in its first byte when the thread is done.
`read_notes` is for whoever finds Orthanc dead.
"""

import contextlib
import hashlib
import mmap
import threading
import time
from pathlib import Path
from typing import Any

Note = dict[str, Any]
"""kind ("store" or "read"), what, at (UNIX time)."""

_SLOT = 512
_SLOTS = 128
_ENDS = 2047  # for more than that the hash lets other threads run, and gets its turn back late


def fingerprint(content: bytes) -> str:
    """Enough to know an object again: its length and a hash of its beginning and end; cheap for large ones."""
    view = memoryview(content)
    digest = hashlib.sha256(view[:_ENDS])
    digest.update(view[max(_ENDS, len(view) - _ENDS) :])
    return f"{len(view)}-{digest.hexdigest()[:40]}"


class Notes:
    """The slots of this process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.truncate(_SLOT * _SLOTS)
        with path.open("r+b") as stream:
            self._map = mmap.mmap(stream.fileno(), _SLOT * _SLOTS)
        self._slots: dict[int, int] = {}

    def begin(self, kind: str, what: str) -> None:
        """This thread now handles `what`: "store" a fingerprint, or "read" a path of the REST API."""
        note = f"{time.time():.6f} {kind} {what}\n".encode("ascii", "replace")
        if len(note) <= _SLOT:
            at = self._slot()
            self._map[at : at + len(note)] = note

    def end(self) -> None:
        """This thread is done with it."""
        self._map[self._slot()] = 0

    def _slot(self) -> int:
        thread = threading.get_ident()
        if thread not in self._slots:
            self._slots[thread] = _SLOT * (len(self._slots) % _SLOTS)
        return self._slots[thread]


def read_notes(path: Path) -> list[Note]:
    """The notes that are open, the newest first; a torn one is left out."""
    try:
        content = path.read_bytes()
    except OSError:
        return []
    found: list[Note] = []
    for at in range(0, len(content), _SLOT):
        line, end, _ = content[at : at + _SLOT].partition(b"\n")
        with contextlib.suppress(ValueError):
            moment, kind, what = line.decode("ascii").split(" ", 2)
            if end:
                found.append({"kind": kind, "what": what, "at": float(moment)})
    return sorted(found, key=lambda note: note["at"], reverse=True)
