"""The sweep finds what is to be done without any message, and doubles nothing."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from appliance.pipeline import Plan
from appliance.services.dispatcher import Dispatcher
from appliance.services.planner import Planner
from appliance.services.sweeper import Sweeper, Swept
from appliance.store.arrival_gaps import ArrivalGaps
from appliance.store.claims import Claims, Completion
from appliance.store.engine import Ledger
from appliance.store.instances import Instances
from appliance.store.outbox import Outbox
from appliance.store.selections import Selections
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems
from appliance.study.quiet_time import QuietTime
from tests.unit.services.conftest import RecordingQueue
from tests.unit.store.conftest import NOON, STUDY, Clock, workitem
from tests.unit.store.test_claims import claimed, outgoing

Sweep = Callable[[], Swept]


@pytest.fixture
def sweep(ledger: Ledger, clock: Clock, queue: RecordingQueue) -> Sweep:
    """The sweep of a ledger that owes nothing yet."""
    studies = Studies(ledger, clock)
    studies.planned(STUDY, studies.last_arrival(STUDY), instances=1, workitems=0)
    workitems = Workitems(ledger, clock)
    dispatcher = Dispatcher(workitems, queue)
    planner = Planner(
        plan=lambda _: Plan(workitems=(workitem("planned"),), selections=()),
        instances=Instances(ledger, clock),
        studies=studies,
        selections=Selections(ledger, clock),
        workitems=workitems,
        dispatcher=dispatcher,
        gaps=ArrivalGaps(ledger),
        quiet=QuietTime(),
        clock=clock,
    )
    return Sweeper(planner=planner, dispatcher=dispatcher, outbox=Outbox(ledger, clock)).sweep


def test_nothing_to_do_is_nothing_found(sweep: Sweep, queue: RecordingQueue) -> None:
    assert sweep() == Swept(studies=0, workitems=0, deliveries=0)
    assert queue == RecordingQueue()


def test_a_study_whose_message_was_lost_is_planned(
    sweep: Sweep, ledger: Ledger, clock: Clock, queue: RecordingQueue
) -> None:
    Studies(ledger, clock).owe_plan(STUDY, NOON)
    clock.pass_by(seconds=60)
    assert sweep().studies == 1
    assert queue.run_uids == [workitem("planned").uid]
    assert sweep() == Swept(studies=0, workitems=0, deliveries=0)


def test_what_a_dead_worker_held_is_queued_again(
    sweep: Sweep, ledger: Ledger, clock: Clock, queue: RecordingQueue
) -> None:
    item = workitem()
    Workitems(ledger, clock).schedule([item])
    sweep()
    claimed(Claims(ledger, clock, lease=timedelta(seconds=60)), item)
    clock.pass_by(seconds=45)
    assert sweep().workitems == 0
    clock.pass_by(seconds=16)
    assert sweep().workitems == 1
    assert queue.run_uids == [item.uid, item.uid]


def test_results_that_are_due_are_delivered(sweep: Sweep, ledger: Ledger, clock: Clock, queue: RecordingQueue) -> None:
    item = workitem()
    Workitems(ledger, clock).schedule([item])
    claims = Claims(ledger, clock)
    claims.complete(claimed(claims, item), Completion(findings=(), results=(outgoing(item),)))
    assert sweep().deliveries == 1
    assert queue.deliveries == 1
