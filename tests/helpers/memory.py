"""The most memory that processes ever held, as the kernel counts it."""

import contextlib
from collections.abc import Mapping
from pathlib import Path

import psutil

PARSER = "appliance.study.children.child"


def peak_mib(pid: int) -> float:
    """Peak resident set (VmHWM of proc(5)) of a process that runs, 0 for one that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return int(status.split("VmHWM:")[1].split()[0]) / 1024 if "VmHWM:" in status else 0.0


class Peaks:
    """The peaks of some processes by name, and of the children that parse for them; `look` before a child may end."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self.mib = dict.fromkeys((*pids, "children"), 0.0)

    def look(self) -> None:
        """Take what is to be seen now."""
        for name, pid in self._pids.items():
            self.mib[name] = max(self.mib[name], peak_mib(pid))
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(pid).children():
                    if PARSER in child.cmdline():
                        self.mib["children"] = max(self.mib["children"], peak_mib(child.pid))
