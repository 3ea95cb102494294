"""What becomes of each answer, that a destination holds up nobody else, and that no answer is lost."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.delivery.backoff import Backoff
from appliance.delivery.sender import ACCEPTED, Answer, Outcome, Parcel, postponed, refused, unavailable
from appliance.domain.errors import BurntInTextRefused
from appliance.services.courier import Courier
from appliance.store.claims import Claims, Completion
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, Events
from appliance.store.outbox import ORTHANC, Delivery, DeliveryState, Outbox
from appliance.store.results import ResultFiles
from appliance.store.workitems import Workitems
from tests.helpers.services import wait_for
from tests.unit.store.conftest import STUDY, Clock, clock, ledger, workitem
from tests.unit.store.test_claims import claimed, outgoing

__all__ = ["clock", "ledger"]

BACKOFF = Backoff(first=timedelta(seconds=10), longest=timedelta(seconds=40), attempts=3)


class Scripted:
    """A sender that gives the answers it was told, then successes; an exception among them is raised."""

    def __init__(self, *script: Answer | Exception) -> None:
        self.script = list(script)
        self.sent: list[str] = []

    def send(self, parcels: Sequence[Parcel]) -> Iterator[Answer]:
        for parcel in parcels:
            told = self.script.pop(0) if self.script else ACCEPTED
            if isinstance(told, Exception):
                raise told
            self.sent.append(parcel.sop_instance_uid)
            yield told


@pytest.fixture
def outbox(ledger: Ledger, clock: Clock) -> Outbox:
    """Two results for Orthanc, a PACS and an archive."""
    item = workitem()
    Workitems(ledger, clock).schedule([item])
    claims = Claims(ledger, clock)
    results = tuple(outgoing(item, uid, "pacs", "archive") for uid in ("9.1", "9.2"))
    claims.complete(claimed(claims, item), Completion(findings=(), results=results))
    return Outbox(ledger, clock)


def courier(outbox: Outbox, backoff: Backoff = BACKOFF, objections=None, **senders: Scripted) -> Courier:  # type: ignore[no-untyped-def]
    made = {ORTHANC: Scripted(), "pacs": Scripted(), "archive": Scripted(), **senders}
    return Courier(
        outbox=outbox,
        files=ResultFiles(Path()),
        senders={name: (lambda sender=sender: sender) for name, sender in made.items()},
        objections=objections or {},
        backoff=backoff,
    )


def of(outbox: Outbox, destination: str) -> list[Delivery]:
    return [delivery for delivery in outbox.of_study(STUDY) if delivery.destination == destination]


def states(outbox: Outbox, destination: str) -> list[DeliveryState]:
    return [delivery.state for delivery in of(outbox, destination)]


def test_everything_is_delivered_once_orthanc_first(outbox: Outbox) -> None:
    order: list[str] = []

    class Noting(Scripted):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def send(self, parcels: Sequence[Parcel]) -> Iterator[Answer]:
            order.append(self.name)
            return super().send(parcels)

    mover = courier(outbox, orthanc=Noting(ORTHANC), pacs=Noting("pacs"))
    assert mover.deliver_due() == 6
    assert mover.deliver_due() == 0
    assert order == [ORTHANC, "pacs"]
    assert outbox.depth() == {DeliveryState.DELIVERED: 6}


def test_a_warning_is_kept_with_the_delivery(outbox: Outbox) -> None:
    courier(outbox, pacs=Scripted(Answer(Outcome.ACCEPTED, "B000", "elements were coerced"))).deliver_due()
    first, second = of(outbox, "pacs")
    assert (first.state, first.code, first.detail) == (DeliveryState.DELIVERED, "B000", "elements were coerced")
    assert (second.state, second.code) == (DeliveryState.DELIVERED, None)


def test_a_refusal_is_final_and_takes_no_other_with_it(outbox: Outbox, ledger: Ledger) -> None:
    courier(outbox, pacs=Scripted(Answer(Outcome.REFUSED, "0122", "SOP class not supported"))).deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.REFUSED, DeliveryState.DELIVERED]
    assert of(outbox, "pacs")[0].code == "0122"
    kinds = [event.kind for event in Events(ledger).of_study(STUDY)]
    assert kinds.count(EventKind.DELIVERY_REFUSED) == 1


def test_what_failed_comes_back_later_and_is_given_up_in_the_end(outbox: Outbox, clock: Clock) -> None:
    mover = courier(outbox, pacs=Scripted(*[unavailable("no answer")] * 6))
    for _ in range(2):
        mover.deliver_due()
        assert states(outbox, "pacs") == [DeliveryState.PENDING] * 2
        assert mover.deliver_due() == 0
        clock.pass_by(seconds=60)
    mover.deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.DEAD] * 2
    assert of(outbox, "pacs")[0].detail == "3 attempts; the last: no answer"
    assert states(outbox, "archive") == [DeliveryState.DELIVERED] * 2


def test_a_sender_that_breaks_loses_nothing(outbox: Outbox, clock: Clock) -> None:
    mover = courier(outbox, pacs=Scripted(ACCEPTED, ValueError("PatientName Doe")))
    mover.deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.DELIVERED, DeliveryState.PENDING]
    assert of(outbox, "pacs")[1].detail == "sending broke off (ValueError)"
    clock.pass_by(seconds=60)
    mover.deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.DELIVERED] * 2


def test_a_sender_that_gives_too_few_answers_loses_nothing(outbox: Outbox) -> None:
    class Silent(Scripted):
        def send(self, parcels: Sequence[Parcel]) -> Iterator[Answer]:
            return super().send(parcels[:1])

    courier(outbox, pacs=Silent()).deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.DELIVERED, DeliveryState.PENDING]


def test_a_destination_that_is_gone_from_the_settings_is_refused_with_the_reason(outbox: Outbox) -> None:
    mover = Courier(outbox=outbox, files=ResultFiles(Path()), senders={ORTHANC: Scripted}, backoff=BACKOFF)
    mover.deliver_due()
    (code,) = {delivery.code for delivery in of(outbox, "pacs")}
    assert code == "settings-invalid"
    assert states(outbox, "pacs") == [DeliveryState.REFUSED] * 2


def test_nothing_goes_elsewhere_while_orthanc_lacks_something_of_the_workitem(outbox: Outbox, clock: Clock) -> None:
    pacs = Scripted()
    mover = courier(outbox, orthanc=Scripted(ACCEPTED, unavailable("no answer")), pacs=pacs)
    mover.deliver_due()
    assert pacs.sent == []
    clock.pass_by(seconds=60)
    mover.deliver_due()
    assert pacs.sent == ["9.1", "9.2"]


def test_a_slow_destination_holds_up_nobody_else(outbox: Outbox) -> None:
    released = threading.Event()

    class Slow(Scripted):
        def send(self, parcels: Sequence[Parcel]) -> Iterator[Answer]:
            released.wait()
            return super().send(parcels)

    thread = threading.Thread(target=courier(outbox, pacs=Slow()).deliver_due)
    thread.start()
    try:
        wait_for(lambda: states(outbox, "archive") == [DeliveryState.DELIVERED] * 2, "the archive")
        assert states(outbox, "pacs") == [DeliveryState.PENDING] * 2
    finally:
        released.set()
        thread.join()
    assert states(outbox, "pacs") == [DeliveryState.DELIVERED] * 2


def against(answer: Answer | None) -> dict[str, Callable[[object], Answer | None]]:
    return {"pacs": lambda _: answer}


def test_what_something_stands_against_is_refused_unsent_and_says_why(outbox: Outbox) -> None:
    pacs = Scripted()
    courier(outbox, objections=against(refused("text was found", BurntInTextRefused)), pacs=pacs).deliver_due()
    assert pacs.sent == []
    assert states(outbox, "pacs") == [DeliveryState.REFUSED] * 2
    assert {row.code for row in of(outbox, "pacs")} == {"destination-refuses-burnt-in-text"}
    assert states(outbox, "archive") == [DeliveryState.DELIVERED] * 2


def test_a_postponement_counts_as_no_attempt(outbox: Outbox, clock: Clock) -> None:
    pacs = Scripted()
    waiting = courier(outbox, objections=against(postponed("waits", BurntInTextRefused)), pacs=pacs)
    for _ in range(5):
        waiting.deliver_due()
        clock.pass_by(seconds=30)
    assert [(row.state, row.attempts, row.detail) for row in of(outbox, "pacs")] == [
        (DeliveryState.PENDING, 0, "waits")
    ] * 2
    courier(outbox, objections=against(None), pacs=pacs).deliver_due()
    assert pacs.sent == ["9.1", "9.2"]
