"""A ledger, a clock, and a queue that remembers its messages."""

from dataclasses import dataclass, field

import pytest

from appliance.domain.errors import QueueUnavailable
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.domain.workitem import Workitem
from tests.unit.store.conftest import clock, ledger

__all__ = ["clock", "ledger"]


@dataclass
class RecordingQueue:
    """The queue as the duties see it; `down_after` messages it answers no more."""

    planned: list[StudyInstanceUID] = field(default_factory=list)
    run_uids: list[WorkitemUID] = field(default_factory=list)
    deliveries: int = 0
    messages: int = 0
    down_after: int | None = None

    def plan(self, study: StudyInstanceUID) -> None:
        self._answer()
        self.planned.append(study)

    def run(self, workitem: Workitem) -> None:
        self._answer()
        self.run_uids.append(workitem.uid)

    def deliver(self) -> None:
        self._answer()
        self.deliveries += 1

    def waiting(self) -> int:
        return self.messages

    def _answer(self) -> None:
        if self.down_after is not None and len(self.planned) + len(self.run_uids) + self.deliveries >= self.down_after:
            raise QueueUnavailable


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()
