"""What the duties ask of the queue."""

from typing import Protocol

from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import Workitem


class Queue(Protocol):
    """Carries identifiers to whoever does the work. May lose or double them: the ledger knows what is to be done.

    Every method raises QueueUnavailable.
    """

    def plan(self, study: StudyInstanceUID) -> None:
        """Have the study planned."""
        ...

    def run(self, workitem: Workitem) -> None:
        """Have the workitem analysed, in the order of priority and on the device that its package needs."""
        ...

    def deliver(self) -> None:
        """Have the due deliveries made."""
        ...

    def waiting(self) -> int:
        """How many messages about workitems nobody has fetched yet."""
        ...


class NoQueue:
    """For a node without services: what is due stays in the ledger until somebody asks."""

    def plan(self, study: StudyInstanceUID) -> None:
        """Nothing."""

    def run(self, workitem: Workitem) -> None:
        """Nothing."""

    def deliver(self) -> None:
        """Nothing."""

    def waiting(self) -> int:
        """None."""
        return 0
