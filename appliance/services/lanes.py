"""One lane less for long work than there are lanes: so a long CT never keeps a chest X-ray waiting."""

import heapq
import threading
from itertools import count

from appliance.domain.identifiers import WorkitemUID

Urgency = tuple[int, float]
"""Smaller goes first: the urgency of the priority, then when the workitem was made."""


class LongLanes:
    """Who may begin long work in this process, and who is next.

    Work that finds no lane is remembered here, and only here: should the process die, the sweep queues it again.
    """

    def __init__(self, lanes: int) -> None:
        self._free = lanes
        self._waiting: list[tuple[Urgency, int, WorkitemUID]] = []
        self._known: set[WorkitemUID] = set()
        self._order = count()
        self._lock = threading.Lock()

    def enter(self, uid: WorkitemUID, urgency: Urgency) -> bool:
        """True if the caller may begin now, and must `leave` afterwards; else the workitem waits."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if uid not in self._known:
                self._known.add(uid)
                heapq.heappush(self._waiting, (urgency, next(self._order), uid))
            return False

    def leave(self) -> WorkitemUID | None:
        """The caller's work has ended: the workitem that it must go on with in the same lane, or None."""
        with self._lock:
            if not self._waiting:
                self._free += 1
                return None
            _, _, uid = heapq.heappop(self._waiting)
            self._known.discard(uid)
            return uid
