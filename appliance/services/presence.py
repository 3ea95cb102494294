"""Signs of life: every worker, the scheduler and the web service keep a small file fresh in the state folder.

A supervisor knows that a process exists; the file says that it still turns, and which code it runs. It needs neither
Redis nor the ledger, so that it also tells about a service that has lost them.
"""

import contextlib
import hashlib
import json
import os
import socket
import threading
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import appliance
from appliance import __version__

EVERY_S = 5.0
SILENT_S = 30.0
"""A sign that is older says that its service hangs or was killed."""
_FORGOTTEN_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What a service says of itself; `age_s` is how long ago it said so."""

    service: str
    host: str
    pid: int
    version: str
    code: str
    age_s: float = 0.0

    @property
    def is_fresh(self) -> bool:
        """Whether the service is alive as far as it says."""
        return self.age_s < SILENT_S


@cache
def code_fingerprint() -> str:
    """A short hash of the program's own source, as it was when this process asked first."""
    folder = Path(appliance.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


class Presence:
    """Keeps the sign of one service fresh, from a thread of its own, until `stop`."""

    def __init__(self, folder: Path, service: str, *, every_s: float = EVERY_S) -> None:
        self._sign = Sign(
            service=service,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=__version__,
            code=code_fingerprint(),
        )
        self._file = _file(folder, self._sign)
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Give the first sign now, and further ones from the thread."""
        self._give()
        self._thread.start()

    def stop(self) -> None:
        """Take the sign away: an orderly end is no silence."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(self._every_s)
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            self._give()

    def _give(self) -> None:
        # a full disk must not end the service that could help to free it
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._file.with_suffix(f".{self._sign.pid}")
            draft.write_text(json.dumps(asdict(self._sign)), encoding="utf-8")
            draft.replace(self._file)


def forget(folder: Path) -> None:
    """Take away the signs of this machine's services: all of them have ended, some of them without doing so."""
    for sign in signs(folder):
        if sign.host == socket.gethostname():
            _file(folder, sign).unlink(missing_ok=True)


def signs(folder: Path) -> tuple[Sign, ...]:
    """The signs in `folder`, by service; those of yesterday and older are left out."""
    found = []
    for file in sorted(folder.glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            age_s = max(0.0, time.time() - file.stat().st_mtime)
            if age_s < _FORGOTTEN_S:
                found.append(Sign(**{**json.loads(file.read_text(encoding="utf-8")), "age_s": age_s}))
    return tuple(found)


def _file(folder: Path, sign: Sign) -> Path:
    return folder / f"{sign.service}-{sign.host}.json"
