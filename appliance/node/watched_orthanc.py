"""Runs Orthanc and, when it dies of a fault of its own, writes down what it was handling.

    python -m appliance.node.watched_orthanc CRASHES BINARY CONFIGURATION

Only faults count (SIGSEGV and the like): whoever ends Orthanc with SIGKILL, or switches the machine off, makes no
object suspect. Orthanc ends with whoever watches it.
"""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from appliance.gate.crashes import record_crash

FAULTS = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE})
_PR_SET_PDEATHSIG = 1
MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(64 * 1024**2), "MALLOC_TRIM_THRESHOLD_": str(256 * 1024**2)}
"""For glibc: keep the memory of one object for the next. Handing it back and forth with the kernel cost a millisecond
for each object of half a megabyte, as much as everything else that gate and announcements do, several times over."""


def main() -> None:
    """Run Orthanc to its end and end as it did."""
    crashes, *command = sys.argv[1:]
    process = subprocess.Popen(command, env=os.environ | MEMORY, preexec_fn=_die_with_parent)

    def forward(number: int, _: FrameType | None) -> None:
        process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, forward)
    status = process.wait()
    if status < 0 and -status in FAULTS:
        record_crash(Path(crashes), signal.Signals(-status).name)
    sys.exit(status if status >= 0 else 128 - status)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
