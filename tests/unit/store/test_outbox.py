"""Orthanc first, then the others; nothing is lost and nothing waits behind another destination."""

from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.store.claims import Claims, Completion
from appliance.store.deliveries import ORTHANC, DeliveryState
from appliance.store.engine import Ledger
from appliance.store.outbox import Outbox
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
    outbox.refused(pacs, "destination-refused", "0122")
    outbox.delivered(archive, code="B000", detail="coercion")
    states = {row.destination: (row.state, row.code) for row in outbox.of_study(STUDY)}
    assert states["pacs"] == (DeliveryState.REFUSED, "destination-refused")
    assert states["archive"] == (DeliveryState.DELIVERED, "B000")
    assert [row.destination for row in outbox.stuck()] == ["pacs"]
    assert outbox.retry(destination="pacs") == 1
    assert names(outbox) == ["pacs"]


def test_who_mended_a_destination_waits_for_no_pause(outbox: Outbox) -> None:
    outbox.delivered(outbox.take(HOLD)[0])
    pacs, archive = outbox.take(HOLD)
    outbox.failed(pacs, "destination-unavailable", "no answer", timedelta(hours=1))
    outbox.delivered(archive)
    assert names(outbox) == []
    assert outbox.retry(destination="pacs") == 1
    assert [(row.destination, row.attempts) for row in outbox.due()] == [("pacs", 0)]


def test_a_result_that_is_not_for_the_node_waits_until_the_node_has_its_own(ledger: Ledger, clock: Clock) -> None:
    item = workitem()
    Workitems(ledger, clock).schedule([item])
    claims = Claims(ledger, clock)
    theirs = replace(outgoing(item, "9.8", "pacs"), for_node=False)
    claims.complete(claimed(claims, item), Completion(findings=(), results=(outgoing(item, "9.9"), theirs)))
    outbox = Outbox(ledger, clock)
    assert names(outbox) == [ORTHANC]
    outbox.delivered(outbox.take(HOLD)[0])
    assert names(outbox) == ["pacs"]


def test_what_was_postponed_was_no_attempt(outbox: Outbox, clock: Clock) -> None:
    (first,) = outbox.take(HOLD)
    assert outbox.postponed(first, "destination-refuses-burnt-in-text", "waits", timedelta(seconds=10))
    assert names(outbox) == []
    clock.pass_by(seconds=11)
    assert outbox.take(HOLD)[0].attempts == 1


def test_an_answer_that_comes_too_late_changes_nothing(outbox: Outbox, clock: Clock) -> None:
    (late,) = outbox.take(HOLD)
    clock.pass_by(seconds=31)
    (held,) = outbox.take(HOLD)
    assert not outbox.delivered(late)
    assert not outbox.refused(late, "0122", "")
    assert not outbox.postponed(late, "", "", HOLD)
    assert outbox.delivered(held)
    assert not outbox.dead(held, "destination-unavailable", "")


def test_a_batch_that_goes_on_is_held_for_longer_and_a_later_taker_is_not_disturbed(
    outbox: Outbox, clock: Clock
) -> None:
    outbox.delivered(outbox.take(HOLD)[0])
    slow = outbox.take(HOLD)
    clock.pass_by(seconds=20)
    outbox.hold(slow[1:], HOLD)
    outbox.hold([], HOLD)
    clock.pass_by(seconds=11)
    assert names(outbox) == ["pacs"]
    outbox.take(HOLD)
    outbox.hold(slow, timedelta(hours=1))
    clock.pass_by(seconds=31)
    assert "pacs" in names(outbox)
