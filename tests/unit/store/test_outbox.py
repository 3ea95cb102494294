"""Orthanc first, then the others; nothing is lost and nothing waits behind another destination."""

from datetime import timedelta

import pytest

from appliance.store.claims import Claims, Completion
from appliance.store.engine import Ledger
from appliance.store.outbox import ORTHANC, DeliveryState, Outbox
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import STUDY, Clock, workitem
from tests.unit.store.test_claims import claimed, outgoing

HOLD = timedelta(seconds=30)


@pytest.fixture
def outbox(ledger: Ledger, clock: Clock) -> Outbox:
    item = workitem()
    Workitems(ledger, clock).schedule([item])
    claims = Claims(ledger, clock)
    claims.complete(claimed(claims, item), Completion(findings=(), results=(outgoing(item, "9.9", "pacs", "archive"),)))
    return Outbox(ledger, clock)


def names(outbox: Outbox) -> list[str]:
    return [delivery.destination for delivery in outbox.due()]


def test_orthanc_comes_before_all_others(outbox: Outbox) -> None:
    assert names(outbox) == [ORTHANC]
    (first,) = outbox.take(HOLD)
    outbox.delivered(first)
    assert names(outbox) == ["pacs", "archive"]


def test_a_failed_delivery_waits_and_the_others_go_on(outbox: Outbox, clock: Clock) -> None:
    outbox.delivered(outbox.take(HOLD)[0])
    pacs, _ = outbox.take(HOLD)
    outbox.failed(pacs, "destination-unavailable", "no answer", timedelta(seconds=120))
    clock.pass_by(seconds=31)
    assert names(outbox) == ["archive"]
    clock.pass_by(seconds=120)
    assert set(names(outbox)) == {"pacs", "archive"}


def test_what_its_taker_never_answered_is_due_again(outbox: Outbox, clock: Clock) -> None:
    assert len(outbox.take(HOLD)) == 1
    assert names(outbox) == []
    clock.pass_by(seconds=31)
    assert names(outbox) == [ORTHANC]
    assert outbox.take(HOLD)[0].attempts == 2


def test_a_refused_delivery_stays_visible_until_it_is_retried(outbox: Outbox) -> None:
    outbox.delivered(outbox.take(HOLD)[0])
    pacs, archive = outbox.take(HOLD)
    outbox.dead(pacs, "destination-refused", "0122")
    outbox.delivered(archive, code="B000", detail="coercion")
    states = {row.destination: (row.state, row.code) for row in outbox.of_study(STUDY)}
    assert states["pacs"] == (DeliveryState.DEAD, "destination-refused")
    assert states["archive"] == (DeliveryState.DELIVERED, "B000")
    assert [row.destination for row in outbox.stuck()] == ["pacs"]
    assert outbox.retry(destination="pacs") == 1
    assert names(outbox) == ["pacs"]
