"""Sends DICOM files to the node by C-STORE, as a modality would: DCMTK's dcmsend with TCP_NODELAY on its socket."""

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from appliance.domain.errors import DestinationUnavailable, SettingsError, UsageError
from appliance.node.system import find_program
from appliance.settings import LOOPBACK, Settings

SENDER_AET = "SAMPLES"
_TIMEOUT_S = 600


def send(settings: Settings, paths: Iterable[Path], *, aet: str = SENDER_AET) -> int:
    """Send the files, and everything in the folders, to the node on this machine; returns how many were stored.

    Raises UsageError without any file, SettingsError without DCMTK, DestinationUnavailable where the node does not
    take all of them.
    """
    files = [str(path) for path in paths]
    if not files:
        raise UsageError("there is nothing to send")
    program = find_program("dcmsend")
    if program is None:
        raise SettingsError("system packages are missing: dcmtk. As root: apt-get install dcmtk, or run: make setup")
    options = ["--aetitle", aet, "--call", settings.dicom.aet, "--decompress-never"]
    selection = ["--scan-directories", "--recurse", "--no-halt", "--verbose"]
    answer = subprocess.run(
        [program, *options, *selection, LOOPBACK, str(settings.dicom.port), *files],
        env=os.environ | {"TCP_NODELAY": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
    )
    return _stored(answer)


def _stored(answer: "subprocess.CompletedProcess[str]") -> int:
    """dcmsend's own account at its end, "with status SUCCESS : N"."""
    said = answer.stdout + answer.stderr
    stored = sum(int(count) for count in re.findall(r"with status SUCCESS\s*:\s*(\d+)", said))
    if answer.returncode or not stored:
        reason = next((line for line in said.splitlines() if line.startswith(("E:", "F:"))), "it stored nothing")
        raise DestinationUnavailable(f"the node does not take the files: {reason.strip()}", where=LOOPBACK)
    return stored
