"""Which workitem a thread works on: the one that its message names, unless that is long and no lane is free."""

from collections.abc import Callable

from appliance.domain.identifiers import WorkitemUID
from appliance.domain.workitem import URGENCY, Workitem
from appliance.logs import get_logger
from appliance.services.analyst import Analyst
from appliance.services.lanes import LongLanes
from appliance.store.workitems import Workitems

_log = get_logger(__name__)


class Work:
    """Runs workitems by their messages. Of n threads, long work gets n - 1, and one lane where there is but one."""

    def __init__(
        self, *, analyst: Analyst, workitems: Workitems, is_long: Callable[[Workitem], bool], threads: int
    ) -> None:
        self._analyst = analyst
        self._workitems = workitems
        self._is_long = is_long
        self._lanes = LongLanes(max(1, threads - 1))

    def run(self, uid: WorkitemUID, worker: str) -> None:
        """Attempt a workitem; a long one that finds no lane free is run by the thread whose lane becomes free."""
        workitem = self._workitems.get(uid).workitem
        if not self._is_long(workitem):
            self._analyst.run(uid, worker)
            return
        if not self._lanes.enter(uid, (URGENCY[workitem.priority], workitem.created_at.timestamp())):
            return
        following: WorkitemUID | None = uid
        while following is not None:
            try:
                self._analyst.run(following, worker)
            except Exception as error:  # noqa: BLE001 - the lane must come free, and the sweep comes back to the workitem
                _log.error("not begun", workitem=following, error=type(error).__name__)
            following = self._lanes.leave()
