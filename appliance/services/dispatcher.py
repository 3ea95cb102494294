"""Sends what can run to the queue."""

from datetime import timedelta

from appliance.domain.errors import QueueUnavailable
from appliance.domain.identifiers import StudyInstanceUID
from appliance.logs import get_logger
from appliance.services.ports import Queue
from appliance.store.workitems import Workitems

_log = get_logger(__name__)


class Dispatcher:
    """Between ledger and queue. A queue that does not answer is no error: the sweep comes back to it."""

    def __init__(
        self,
        workitems: Workitems,
        queue: Queue,
        *,
        again_after: timedelta = timedelta(seconds=30),
        in_any_case_after: timedelta = timedelta(minutes=10),
    ) -> None:
        """again_after: when to send another message where the queue holds fewer than there should be.
        in_any_case_after: when to send it all the same, since a message of which there are two hides that one is lost.
        """
        self._workitems = workitems
        self._queue = queue
        self._again_after = again_after
        self._in_any_case_after = in_any_case_after

    def workitems(self, study: StudyInstanceUID | None = None) -> int:
        """Queue every runnable workitem (of one study) that has no message under way; how many."""
        items = self._workitems.take_unqueued(self._patience(), study)
        for index, item in enumerate(items):
            try:
                self._queue.run(item)
            except QueueUnavailable as error:
                self._workitems.forget_queued([left.uid for left in items[index:]])
                _log.warning("queue does not answer", code=error.code)
                return index
        return len(items)

    def _patience(self) -> timedelta:
        """Work that only waits for its turn gets no message more for each time that it is looked at."""
        try:
            lost = self._queue.waiting() < self._workitems.queued()
        except QueueUnavailable:
            lost = True
        return self._again_after if lost else self._in_any_case_after

    def plan(self, study: StudyInstanceUID) -> None:
        """Have a study planned at once rather than at the next sweep."""
        try:
            self._queue.plan(study)
        except QueueUnavailable as error:
            _log.warning("queue does not answer", code=error.code)

    def deliveries(self) -> None:
        """Have the due deliveries made at once rather than at the next sweep."""
        try:
            self._queue.deliver()
        except QueueUnavailable as error:
            _log.warning("queue does not answer", code=error.code)
