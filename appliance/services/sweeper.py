"""The safety net under the queue: what the ledger says is to be done gets a message, however the last one was lost."""

from dataclasses import dataclass

from appliance.services.dispatcher import Dispatcher
from appliance.services.planner import Planner
from appliance.store.outbox import Outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep found to do."""

    studies: int
    workitems: int
    deliveries: int


class Sweeper:
    """Rebuilds the queue from the ledger. Losing the whole queue costs one interval, and doubles nothing."""

    def __init__(self, *, planner: Planner, dispatcher: Dispatcher, outbox: Outbox) -> None:
        self._planner = planner
        self._dispatcher = dispatcher
        self._outbox = outbox

    def sweep(self) -> Swept:
        """Plan what is due, queue what can run (expired leases among it), have due results delivered."""
        studies = self._planner.plan_due()
        workitems = self._dispatcher.workitems()
        deliveries = len(self._outbox.due())
        if deliveries:
            self._dispatcher.deliveries()
        return Swept(studies=studies, workitems=workitems, deliveries=deliveries)
