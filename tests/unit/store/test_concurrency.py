"""Many threads at one ledger: one holder for each workitem, no update lost, no gap in a timeline, no deadlock."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from appliance.domain.errors import LeaseLost
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.workitem import ProcedureStepState, Workitem
from appliance.store.claims import Claims, Completion
from appliance.store.engine import Ledger
from appliance.store.events import Events
from appliance.store.instances import Instances
from appliance.store.outbox import Outbox
from appliance.store.results import Results
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import STUDY, Clock, arrived, workitem
from tests.unit.store.test_claims import outgoing

THREADS = 6
HALF_A_MINUTE = timedelta(seconds=30)


def at_once(*work: Callable[[], Any]) -> list[Any]:
    """Run every function in a thread of its own, all released at the same moment; what they returned."""
    gate = threading.Barrier(len(work))

    def run(function: Callable[[], Any]) -> Any:
        gate.wait()
        return function()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


def items(count: int) -> list[Workitem]:
    return [workitem(f"model-{number:02d}") for number in range(count)]


def test_a_workitem_is_claimed_once_however_many_try(ledger: Ledger, clock: Clock) -> None:
    workitems, claims = Workitems(ledger, clock), Claims(ledger, clock)
    for item in items(5):
        workitems.schedule([item])
        held = at_once(*[lambda item=item: claims.claim(item.uid, "worker")] * THREADS)
        assert len([claim for claim in held if claim]) == 1
        assert workitems.get(item.uid).attempts == 1


def test_each_runnable_workitem_gets_one_message(ledger: Ledger, clock: Clock) -> None:
    workitems = Workitems(ledger, clock)
    workitems.schedule(items(12))
    taken = at_once(*[lambda: workitems.take_unqueued(HALF_A_MINUTE)] * THREADS)
    counted = Counter(item.uid for batch in taken for item in batch)
    assert set(counted.values()) == {1}
    assert len(counted) + len(workitems.take_unqueued(HALF_A_MINUTE)) == 12


def test_a_delivery_is_taken_by_one_courier(ledger: Ledger, clock: Clock) -> None:
    workitems, claims, outbox = Workitems(ledger, clock), Claims(ledger, clock), Outbox(ledger, clock)
    for number, item in enumerate(items(4)):
        workitems.schedule([item])
        claim = claims.claim(item.uid, "worker")
        assert claim
        claims.complete(claim, Completion(findings=(), results=(outgoing(item, f"9.{number}"),)))
    taken = at_once(*[lambda: outbox.take(HALF_A_MINUTE)] * THREADS)
    counted = Counter(delivery.id for batch in taken for delivery in batch)
    assert set(counted.values()) == {1}


def test_arrivals_told_twice_at_the_same_time_are_kept_once(ledger: Ledger, clock: Clock) -> None:
    instances = Instances(ledger, clock)
    batch = [arrived(f"1.2.3.1.{number}") for number in range(2, 12)]
    told: list[Sequence[Any]] = [batch, batch[::-1], batch[:5], batch[5:], batch, batch]
    at_once(*[lambda part=part: instances.add(part) for part in told])
    assert len(instances.of_study(STUDY)) == 11
    timeline = [event.sequence for event in Events(ledger).of_study(STUDY)]
    assert timeline == list(range(1, len(timeline) + 1))


def test_a_plan_that_is_scheduled_twice_at_the_same_time_is_scheduled_once(ledger: Ledger, clock: Clock) -> None:
    workitems = Workitems(ledger, clock)
    added = at_once(*[lambda: workitems.schedule(items(4))] * THREADS)
    assert sorted(len(part or ()) for part in added) == [0] * (THREADS - 1) + [4]


def test_of_two_analyses_that_complete_together_one_set_of_results_stands(ledger: Ledger, clock: Clock) -> None:
    workitems, claims = Workitems(ledger, clock), Claims(ledger, clock)
    for number in range(4):
        early = workitem(f"model-{number}")
        late = workitem(f"model-{number}", instances=(SOPInstanceUID("1.2.3.1.1"), SOPInstanceUID("1.2.3.1.2")))
        workitems.schedule([early])
        first = claims.claim(early.uid, "one")
        assert first

        def complete_early(claim: Any = first, item: Workitem = early, n: int = number) -> None:
            try:
                claims.complete(claim, Completion(findings=(), results=(outgoing(item, f"8.{n}"),)))
            except LeaseLost:
                return

        def replace_it(item: Workitem = late, n: int = number) -> None:
            workitems.schedule([item])
            claim = claims.claim(item.uid, "two")
            assert claim
            claims.complete(claim, Completion(findings=(), results=(outgoing(item, f"9.{n}"),)))

        at_once(complete_early, replace_it)
        standing = {record.sop_instance_uid for record in Results(ledger).of_study(STUDY)}
        assert f"9.{number}" in standing
        assert f"8.{number}" not in standing


def test_everything_at_once_ends_and_leaves_a_timeline_without_gaps(ledger: Ledger, clock: Clock) -> None:
    workitems, claims, outbox = Workitems(ledger, clock), Claims(ledger, clock), Outbox(ledger, clock)
    all_items = items(10)

    def work(mine: Sequence[Workitem]) -> None:
        for item in mine:
            if claim := claims.claim(item.uid, "worker"):
                claims.heartbeat(claim)
                claims.complete(claim, Completion(findings=(), results=(outgoing(item, f"9.{item.package[-2:]}"),)))

    def deliver() -> None:
        for _ in range(10):
            for delivery in outbox.take(HALF_A_MINUTE, limit=3):
                outbox.delivered(delivery)
            workitems.take_unqueued(HALF_A_MINUTE)

    def arrive() -> None:
        for number in range(20, 30):
            Instances(ledger, clock).add([arrived(f"1.2.3.1.{number}")])
            Studies(ledger, clock).owe_plan(STUDY, clock())

    workitems.schedule(all_items)
    at_once(lambda: work(all_items), lambda: work(all_items[::-1]), deliver, deliver, arrive)
    assert {status.state for status in workitems.of_study(STUDY)} == {ProcedureStepState.COMPLETED}
    timeline = [event.sequence for event in Events(ledger).of_study(STUDY)]
    assert timeline == list(range(1, len(timeline) + 1))


def test_what_arrived_owes_a_plan_even_if_nobody_lives_to_ask_for_one(ledger: Ledger, clock: Clock) -> None:
    studies = Studies(ledger, clock)
    assert studies.plans_due() == (STUDY,)
    studies.planned(STUDY, studies.last_arrival(STUDY), instances=1, workitems=0)
    assert studies.plans_due() == ()
    Instances(ledger, clock).add([arrived("1.2.3.1.2")])
    assert studies.plans_due() == (STUDY,)


@pytest.mark.parametrize("later", [False, True])
def test_who_planned_with_less_does_not_replace_the_work_of_who_planned_with_more(
    ledger: Ledger, clock: Clock, later: bool
) -> None:
    workitems, studies = Workitems(ledger, clock), Studies(ledger, clock)
    as_of = studies.last_arrival(STUDY)
    if later:
        clock.pass_by(seconds=1)
        Instances(ledger, clock).add([arrived("1.2.3.1.2")])
        more = workitem(instances=(SOPInstanceUID("1.2.3.1.1"), SOPInstanceUID("1.2.3.1.2")))
        assert workitems.schedule([more], as_of=studies.last_arrival(STUDY)) == (more.uid,)
    less = workitem()
    assert workitems.schedule([less], as_of=as_of) == (None if later else (less.uid,))
    assert {status.state for status in workitems.of_study(STUDY)} == {ProcedureStepState.SCHEDULED}
