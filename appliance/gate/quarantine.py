"""The quarantine folder: what was kept out, its bytes beside a record of why, how and when.

Names are made of the content's hash, never of anything the content says, and records hold no patient data. A record
and its bytes appear whole or not at all. The folder is bounded: when it is full the oldest bytes go, their records stay
and say so. The same bytes sent again add to the count of the record they have.
"""

import contextlib
import hashlib
import json
import mmap
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_ADMITTED = "admitted"

Record = dict[str, Any]
"""id, code, detail, at (ISO 8601, UTC), size, sha256, times, kept (are the bytes there?), way, study, calling_aet."""


def identifier(sha256: str) -> str:
    """How the quarantine names content with this hash."""
    return sha256[:32]


class QuarantineFolder:
    """One folder, shared by Orthanc's plugin, which writes, and the appliance, which also releases and discards."""

    def __init__(self, folder: str | os.PathLike[str], *, limit_bytes: int = 4096 * 1024 * 1024) -> None:
        self._folder = Path(folder)
        self._limit = limit_bytes
        self._lock = threading.Lock()

    def hold(self, content: "bytes | mmap.mmap", code: str, detail: str, **origin: str) -> Record:
        """Keep `content` out; the record, with the identifiers of what had to make room under "dropped".

        `origin` may say calling_aet, address, way ("dicom", "http"), study.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        name = identifier(sha256)
        with self._lock:
            _make(self._folder)
            known = self._read(name)
            record = {**known, "times": known["times"] + 1} if known else None
            dropped: list[str] = []
            if record is None:
                record = {
                    "id": name,
                    "code": code,
                    "detail": detail,
                    "at": datetime.now(UTC).isoformat(),
                    "size": len(content),
                    "sha256": sha256,
                    "times": 1,
                    "kept": len(content) <= self._limit,
                    **origin,
                }
                if record["kept"]:
                    dropped = self._make_room(len(content))
                    self._write(self.content_path(name), content)
            self._write_record(record)
        return {**record, "dropped": dropped}

    def amend(self, name: str, **facts: str) -> None:
        """Add what became known later, such as who sent it."""
        with self._lock:
            record = self._read(name)
            if record:
                self._write_record({**record, **facts})

    def records(self) -> list[Record]:
        """Every record, the oldest first."""
        found = (self._read(path.stem) for path in self._folder.glob("*.json"))
        return sorted((record for record in found if record), key=lambda record: record["at"])

    def changed_at(self) -> int:
        """A number that changes whenever a record or bytes come or go; 0 where there is no folder yet."""
        try:
            return self._folder.stat().st_mtime_ns
        except OSError:
            return 0

    def content_path(self, name: str) -> Path:
        """Where the bytes of a record are, if they are kept."""
        return self._folder / f"{name}.dcm"

    def remove(self, name: str) -> None:
        """Forget bytes and record."""
        with self._lock:
            for path in (self.content_path(name), self._folder / f"{name}.json"):
                path.unlink(missing_ok=True)

    def admit(self, sha256: str) -> None:
        """Let exactly this content pass the gate until `withdraw`."""
        _make(self._folder / _ADMITTED)
        (self._folder / _ADMITTED / sha256).touch(mode=0o600)

    def withdraw(self, sha256: str) -> None:
        """End `admit`."""
        (self._folder / _ADMITTED / sha256).unlink(missing_ok=True)

    def is_admitted(self, sha256: str) -> bool:
        """Whether a person let this content pass."""
        return (self._folder / _ADMITTED / sha256).exists()

    def _make_room(self, size: int) -> list[str]:
        kept = []
        for path in self._folder.glob("*.dcm"):
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                kept.append((facts.st_mtime_ns, path, facts.st_size))
        total, dropped = sum(entry[2] for entry in kept), []
        for _, path, length in sorted(kept):
            if total + size <= self._limit:
                break
            record = self._read(path.stem)
            if record:
                self._write_record({**record, "kept": False})
            path.unlink(missing_ok=True)
            total -= length
            dropped.append(path.stem)
        return dropped

    def _read(self, name: str) -> Record | None:
        try:
            record: Record = json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return record

    def _write_record(self, record: Record) -> None:
        self._write(self._folder / f"{record['id']}.json", json.dumps(record).encode("utf-8"))

    def _write(self, path: Path, content: "bytes | mmap.mmap") -> None:
        draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
