"""What was kept out, and how often Orthanc died."""

import time
from collections.abc import Iterator

from appliance.bootstrap import Appliance
from appliance.gate.crashes import crashes
from appliance.node.health.check import Line, failed, ok, warning
from appliance.settings import Settings

HOUR_S = 3600.0
LOOP = 3
"""So many crashes within an hour are a loop."""


def crashes_of_the_last_hour(settings: Settings) -> int:
    """How often Orthanc died of a fault of its own within the last hour."""
    now = time.time()
    return sum(now - record["at"] < HOUR_S for _, record in crashes(settings.crashes))


def quarantine(settings: Settings, node: Appliance) -> Iterator[Line]:
    """Objects that wait for a decision."""
    node.quarantine_desk.sync()
    counts = node.quarantine.counts()
    if not counts:
        yield ok("quarantine", "nothing is held")
        return
    detail = ", ".join(f"{count} {code}" for code, count in sorted(counts.items()))
    yield warning("quarantine", detail, "appliance quarantine list; runbooks/quarantine.md")


def orthanc_crashes(settings: Settings) -> Iterator[Line]:
    """Whether Orthanc keeps dying."""
    count = crashes_of_the_last_hour(settings)
    total = len(crashes(settings.crashes))
    if count >= LOOP:
        yield failed("Orthanc crashes", f"{count} within the last hour", "appliance quarantine list; read its log.")
    elif count:
        yield warning("Orthanc crashes", f"{count} within the last hour", "appliance quarantine list --state held")
    else:
        yield ok("Orthanc crashes", f"none within the last hour, {total} in all")
