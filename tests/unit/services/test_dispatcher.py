"""What can run gets one message; a queue that is down forgets nothing."""

from datetime import timedelta

import pytest

from appliance.services.dispatcher import Dispatcher
from appliance.store.engine import Ledger
from appliance.store.workitems import Workitems
from tests.unit.services.conftest import RecordingQueue
from tests.unit.store.conftest import STUDY, Clock, workitem

AGAIN = timedelta(seconds=30)


@pytest.fixture
def workitems(ledger: Ledger, clock: Clock) -> Workitems:
    return Workitems(ledger, clock)


@pytest.fixture
def dispatcher(workitems: Workitems, queue: RecordingQueue) -> Dispatcher:
    return Dispatcher(workitems, queue, again_after=AGAIN)


def test_what_can_run_is_queued_once(dispatcher: Dispatcher, workitems: Workitems, queue: RecordingQueue) -> None:
    first, second = workitem("liver"), workitem("brain", waits_for=(workitem("liver").uid,))
    workitems.schedule([first, second])
    assert dispatcher.workitems(STUDY) == 1
    assert dispatcher.workitems(STUDY) == 0
    assert queue.run_uids == [first.uid]


def test_a_message_that_was_lost_is_sent_again(
    dispatcher: Dispatcher, workitems: Workitems, queue: RecordingQueue, clock: Clock
) -> None:
    workitems.schedule([workitem()])
    dispatcher.workitems()
    clock.pass_by(seconds=29)
    assert dispatcher.workitems() == 0
    clock.pass_by(seconds=1)
    assert dispatcher.workitems() == 1
    assert len(queue.run_uids) == 2


def test_work_that_only_waits_gets_no_message_more(
    dispatcher: Dispatcher, workitems: Workitems, queue: RecordingQueue, clock: Clock
) -> None:
    workitems.schedule([workitem(name) for name in ("a", "b")])
    assert dispatcher.workitems() == 2
    queue.messages = 2
    for _ in range(15):
        clock.pass_by(seconds=31)
        assert dispatcher.workitems() == 0
    queue.messages = 1  # one was lost, and nobody knows which
    assert dispatcher.workitems() == 2


def test_a_message_that_is_there_twice_hides_a_lost_one_for_ten_minutes_at_most(
    dispatcher: Dispatcher, workitems: Workitems, queue: RecordingQueue, clock: Clock
) -> None:
    workitems.schedule([workitem()])
    dispatcher.workitems()
    queue.messages = 5
    clock.pass_by(minutes=10)
    assert dispatcher.workitems() == 1


def test_what_a_queue_that_went_down_did_not_take_goes_out_when_it_is_back(
    dispatcher: Dispatcher, workitems: Workitems, queue: RecordingQueue
) -> None:
    items = [workitem(name) for name in ("a", "b", "c")]
    workitems.schedule(items)
    queue.down_after = 1
    assert dispatcher.workitems() == 1
    queue.down_after = None
    assert dispatcher.workitems() == 2
    assert sorted(queue.run_uids) == sorted(item.uid for item in items)


def test_a_queue_that_is_down_is_no_error(dispatcher: Dispatcher, queue: RecordingQueue) -> None:
    queue.down_after = 0
    dispatcher.plan(STUDY)
    dispatcher.deliveries()
    queue.down_after = None
    dispatcher.plan(STUDY)
    dispatcher.deliveries()
    assert (queue.planned, queue.deliveries) == ([STUDY], 1)
