"""Files of the node: for their owner's eyes only, and never half written."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from appliance.domain.errors import SettingsError

_LONGEST_SOCKET_PATH = 100  # of 108 bytes that the system has for the address, less what supervisor appends


def private_folder(folder: Path) -> Path:
    """The folder, made where missing, closed to everybody else."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def write_private(file: Path, text: str) -> Path:
    """Write the file whole and readable by its owner only."""
    private_folder(file.parent)
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    Path(draft).replace(file)
    return file


def write_json(file: Path, content: dict[str, Any]) -> Path:
    """Write `content` as JSON, see `write_private`."""
    return write_private(file, json.dumps(content, indent=2) + "\n")


def socket_path(state: Path) -> Path:
    """Where the supervisor's socket goes: the state folder, or a short private folder where that path is too long."""
    direct = state / "run" / "supervisor.sock"
    if len(os.fsencode(direct)) <= _LONGEST_SOCKET_PATH:
        private_folder(direct.parent)
        return direct
    name = hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    return _own_folder(Path(tempfile.gettempdir()) / f"appliance-{os.getuid()}-{name}") / "supervisor.sock"


def _own_folder(folder: Path) -> Path:
    """A folder in a place that others can write to: it must be ours and closed, or is refused."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SettingsError("this folder belongs to somebody else or is open to others", where=str(folder))
    return folder
