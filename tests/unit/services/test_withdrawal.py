"""What was replaced leaves the node once what replaces it is there, and not before; nothing is left behind."""

from datetime import timedelta

import pytest

from appliance.domain.errors import OrthancUnavailable
from appliance.domain.identifiers import SOPInstanceUID
from appliance.services.withdrawal import Withdrawal
from appliance.store.claims import Claims, Completion
from appliance.store.deliveries import ORTHANC, DeliveryState
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, Events
from appliance.store.outbox import Outbox
from appliance.store.withdrawals import Withdrawals
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import STUDY, Clock, workitem
from tests.unit.store.test_claims import claimed, outgoing

HOLD = timedelta(minutes=5)
EARLY = workitem()
LATE = workitem(instances=(SOPInstanceUID("1.2.3.1.1"), SOPInstanceUID("1.2.3.1.2")))


class Node:
    """Orthanc, as far as withdrawal asks it."""

    def __init__(self) -> None:
        self.removed: list[str] = []
        self.is_up = True

    def remove_instance(self, sop_instance_uid: str) -> None:
        if not self.is_up:
            raise OrthancUnavailable
        self.removed.append(sop_instance_uid)


@pytest.fixture
def node() -> Node:
    return Node()


class Bench:
    def __init__(self, ledger: Ledger, clock: Clock, node: Node) -> None:
        self._ledger, self._clock = ledger, clock
        self.outbox = Outbox(ledger, clock)
        self.withdraw = Withdrawal(Withdrawals(ledger, clock), node).withdraw  # type: ignore[arg-type]

    def complete(self, item, sop: str) -> None:  # type: ignore[no-untyped-def]
        Workitems(self._ledger, self._clock).schedule([item])
        claims = Claims(self._ledger, self._clock)
        result = (outgoing(item, sop, "pacs"),)
        claims.complete(claimed(claims, item), Completion(findings=(), results=result))

    def deliver_to_node(self) -> None:
        for delivery in self.outbox.take(HOLD, destination=ORTHANC):
            self.outbox.delivered(delivery)


@pytest.fixture
def bench(ledger: Ledger, clock: Clock, node: Node) -> Bench:
    return Bench(ledger, clock, node)


def test_what_stands_is_not_withdrawn(bench: Bench, node: Node) -> None:
    bench.complete(EARLY, "9.1")
    bench.deliver_to_node()
    assert bench.withdraw() == 0
    assert node.removed == []


def test_what_was_replaced_goes_when_its_replacement_is_there(bench: Bench, node: Node) -> None:
    bench.complete(EARLY, "9.1")
    bench.deliver_to_node()
    bench.complete(LATE, "9.2")
    assert bench.withdraw() == 0, "the viewer would show nothing"
    bench.deliver_to_node()
    assert bench.withdraw() == 1
    assert node.removed == ["9.1"]
    assert bench.withdraw() == 0


def test_the_ledger_tells_what_became_of_it(bench: Bench, ledger: Ledger) -> None:
    bench.complete(EARLY, "9.1")
    bench.deliver_to_node()
    bench.complete(LATE, "9.2")
    bench.deliver_to_node()
    bench.withdraw()
    states = {(row.sop_instance_uid, row.destination): row.state for row in bench.outbox.of_study(STUDY)}
    assert states["9.1", ORTHANC] is DeliveryState.SUPERSEDED
    assert states["9.2", ORTHANC] is DeliveryState.DELIVERED
    assert EventKind.WITHDRAWN in {event.kind for event in Events(ledger).of_study(STUDY)}


def test_what_never_went_out_needs_no_withdrawal(bench: Bench, node: Node) -> None:
    bench.complete(EARLY, "9.1")
    bench.complete(LATE, "9.2")
    bench.deliver_to_node()
    assert bench.withdraw() == 0
    assert node.removed == []


def test_a_delivery_that_was_under_way_is_left_its_time_and_then_cleaned_up(
    bench: Bench, node: Node, clock: Clock
) -> None:
    bench.complete(EARLY, "9.1")
    (under_way,) = bench.outbox.take(HOLD, destination=ORTHANC)
    bench.complete(LATE, "9.2")
    bench.deliver_to_node()
    assert not bench.outbox.delivered(under_way)
    assert bench.withdraw() == 0
    clock.pass_by(minutes=5)
    assert bench.withdraw() == 1
    assert node.removed == ["9.1"]


def test_an_orthanc_that_is_away_is_asked_again(bench: Bench, node: Node) -> None:
    bench.complete(EARLY, "9.1")
    bench.deliver_to_node()
    bench.complete(LATE, "9.2")
    bench.deliver_to_node()
    node.is_up = False
    with pytest.raises(OrthancUnavailable):
        bench.withdraw()
    node.is_up = True
    assert bench.withdraw() == 1
