"""What becomes of each answer, that a destination holds up nobody else, and that no answer is lost."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.delivery.backoff import Backoff
from appliance.delivery.sender import ACCEPTED, Answer, Outcome, Parcel, postponed, refused, unavailable
from appliance.delivery.visibility import Sought
from appliance.domain.errors import BurntInTextRefused, DestinationUnavailable
from appliance.services.courier import Courier
from appliance.services.witness import Witness
from appliance.store.claims import Claims, Completion
from appliance.store.deliveries import ORTHANC, Delivery, DeliveryState
from appliance.store.destinations import Breaker, BreakerRule, DestinationStates
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, Events
from appliance.store.outbox import Outbox
from appliance.store.results import ResultFiles
from appliance.store.workitems import Workitems
from tests.helpers.services import wait_for
from tests.unit.store.conftest import STUDY, Clock, clock, ledger, workitem
from tests.unit.store.test_claims import claimed, outgoing

__all__ = ["clock", "ledger"]

LOOKS = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=4), attempts=2)
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


PATIENT = BreakerRule(failures=100)


def courier(  # type: ignore[no-untyped-def]
    outbox: Outbox, objections=None, finders=None, rule: BreakerRule = PATIENT, **senders: Scripted
) -> Courier:
    made = {ORTHANC: Scripted(), "pacs": Scripted(), "archive": Scripted(), **senders}
    return Courier(
        outbox=outbox,
        files=ResultFiles(Path()),
        senders={name: (lambda sender=sender: sender) for name, sender in made.items()},
        states=DestinationStates(outbox._ledger, outbox._clock, rule),
        witness=Witness(outbox, finders or {}, resend=BACKOFF, looks=LOOKS),
        objections=objections or {},
        backoff=BACKOFF,
    )


class Memory:
    """A finder that shows what it was told to."""

    def __init__(self, *shown: str) -> None:
        self.shown = set(shown)
        self.down = False

    def visible(self, objects: Sequence[Sought]) -> frozenset[str]:
        if self.down:
            raise DestinationUnavailable("no association for a query")
        return frozenset({item.sop_instance_uid for item in objects} & self.shown)


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
    mover.deliver_due()
    mover.deliver_due()
    assert order == [ORTHANC, "pacs"]
    assert outbox.depth() == {DeliveryState.DELIVERED: 2, DeliveryState.UNCHECKED: 4}


def test_a_warning_is_kept_with_the_delivery(outbox: Outbox) -> None:
    courier(outbox, pacs=Scripted(Answer(Outcome.ACCEPTED, "B000", "elements were coerced"))).deliver_due()
    first, second = of(outbox, "pacs")
    assert (first.state, first.code, first.detail) == (DeliveryState.UNCHECKED, "B000", "elements were coerced")
    assert (second.state, second.code) == (DeliveryState.UNCHECKED, None)


def test_a_refusal_is_final_and_takes_no_other_with_it(outbox: Outbox, ledger: Ledger) -> None:
    courier(outbox, pacs=Scripted(Answer(Outcome.REFUSED, "0122", "SOP class not supported"))).deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.REFUSED, DeliveryState.UNCHECKED]
    assert of(outbox, "pacs")[0].code == "0122"
    kinds = [event.kind for event in Events(ledger).of_study(STUDY)]
    assert kinds.count(EventKind.DELIVERY_REFUSED) == 1


def test_what_failed_comes_back_later_and_is_given_up_in_the_end(outbox: Outbox, clock: Clock) -> None:
    mover = courier(outbox, pacs=Scripted(*[unavailable("no answer")] * 6))
    for _ in range(2):
        mover.deliver_due()
        assert states(outbox, "pacs") == [DeliveryState.PENDING] * 2
        clock.pass_by(seconds=60)
    mover.deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.DEAD] * 2
    assert of(outbox, "pacs")[0].detail == "3 attempts; the last: no answer"
    assert states(outbox, "archive") == [DeliveryState.UNCHECKED] * 2


def test_a_sender_that_breaks_loses_nothing(outbox: Outbox, clock: Clock) -> None:
    mover = courier(outbox, pacs=Scripted(ACCEPTED, ValueError("PatientName Doe")))
    mover.deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.UNCHECKED, DeliveryState.PENDING]
    assert of(outbox, "pacs")[1].detail == "sending broke off (ValueError)"
    clock.pass_by(seconds=60)
    mover.deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.UNCHECKED] * 2


def test_a_sender_that_gives_too_few_answers_loses_nothing(outbox: Outbox) -> None:
    class Silent(Scripted):
        def send(self, parcels: Sequence[Parcel]) -> Iterator[Answer]:
            return super().send(parcels[:1])

    courier(outbox, pacs=Silent()).deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.UNCHECKED, DeliveryState.PENDING]


def test_a_destination_that_is_gone_from_the_settings_is_refused_with_the_reason(outbox: Outbox) -> None:
    mover = courier(outbox)
    mover._senders = {ORTHANC: Scripted}
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
        wait_for(lambda: states(outbox, "archive") == [DeliveryState.UNCHECKED] * 2, "the archive")
        assert states(outbox, "pacs") == [DeliveryState.PENDING] * 2
    finally:
        released.set()
        thread.join()
    assert states(outbox, "pacs") == [DeliveryState.UNCHECKED] * 2


def against(answer: Answer | None) -> dict[str, Callable[[object], Answer | None]]:
    return {"pacs": lambda _: answer}


def test_what_something_stands_against_is_refused_unsent_and_says_why(outbox: Outbox) -> None:
    pacs = Scripted()
    courier(outbox, objections=against(refused("text was found", BurntInTextRefused)), pacs=pacs).deliver_due()
    assert pacs.sent == []
    assert states(outbox, "pacs") == [DeliveryState.REFUSED] * 2
    assert {row.code for row in of(outbox, "pacs")} == {"destination-refuses-burnt-in-text"}
    assert states(outbox, "archive") == [DeliveryState.UNCHECKED] * 2


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


def test_what_is_seen_at_the_destination_is_delivered(outbox: Outbox) -> None:
    courier(outbox, finders={"pacs": lambda: Memory("9.1", "9.2")}).deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.DELIVERED] * 2
    assert states(outbox, "archive") == [DeliveryState.UNCHECKED] * 2


def test_a_warning_survives_the_look(outbox: Outbox) -> None:
    pacs = Scripted(Answer(Outcome.ACCEPTED, "B000", "elements were coerced"))
    courier(outbox, finders={"pacs": lambda: Memory("9.1", "9.2")}, pacs=pacs).deliver_due()
    assert [(row.state, row.code) for row in of(outbox, "pacs")] == [
        (DeliveryState.DELIVERED, "B000"),
        (DeliveryState.DELIVERED, None),
    ]


def test_what_comes_to_be_seen_later_is_delivered_then_and_sent_once(outbox: Outbox, clock: Clock) -> None:
    pacs, memory = Scripted(), Memory()
    mover = courier(outbox, finders={"pacs": lambda: memory}, pacs=pacs)
    mover.deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.ACCEPTED] * 2
    memory.shown = {"9.1", "9.2"}
    clock.pass_by(seconds=5)
    mover.deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.DELIVERED] * 2
    assert pacs.sent == ["9.1", "9.2"]


def test_a_destination_that_forgets_is_sent_again_and_never_counts_as_delivered(outbox: Outbox, clock: Clock) -> None:
    pacs = Scripted()
    mover = courier(outbox, finders={"pacs": lambda: Memory("9.2")}, pacs=pacs)
    for _ in range(20):
        mover.deliver_due()
        clock.pass_by(seconds=60)
    assert pacs.sent.count("9.1") == 3
    assert pacs.sent.count("9.2") == 1
    forgotten, seen = of(outbox, "pacs")
    assert (forgotten.state, forgotten.code) == (DeliveryState.DEAD, "destination-forgot")
    assert seen.state is DeliveryState.DELIVERED


def test_a_destination_that_cannot_be_asked_now_is_asked_later(outbox: Outbox, clock: Clock) -> None:
    memory = Memory("9.1", "9.2")
    memory.down = True
    pacs = Scripted()
    mover = courier(outbox, finders={"pacs": lambda: memory}, pacs=pacs)
    for _ in range(5):
        mover.deliver_due()
        clock.pass_by(seconds=60)
    assert states(outbox, "pacs") == [DeliveryState.ACCEPTED] * 2
    assert of(outbox, "pacs")[0].detail == "no association for a query"
    memory.down = False
    mover.deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.DELIVERED] * 2
    assert pacs.sent == ["9.1", "9.2"]


def test_a_breaker_opens_lets_one_through_and_closes(outbox: Outbox, clock: Clock) -> None:
    rule = BreakerRule(failures=1, first=timedelta(seconds=30), longest=timedelta(seconds=90))
    pacs = Scripted(*[unavailable("no answer")] * 3)
    mover = courier(outbox, rule=rule, pacs=pacs)
    mover.deliver_due()
    assert mover._states.get("pacs").breaker is Breaker.OPEN
    assert states(outbox, "archive") == [DeliveryState.UNCHECKED] * 2
    clock.pass_by(seconds=20)
    mover.deliver_due()
    assert len(pacs.sent) == 2
    clock.pass_by(seconds=20)
    assert mover._states.get("pacs").breaker is Breaker.HALF_OPEN
    mover.deliver_due()
    assert len(pacs.sent) == 3
    assert mover._states.get("pacs").breaker is Breaker.OPEN
    clock.pass_by(seconds=90)
    mover.deliver_due()
    assert states(outbox, "pacs") == [DeliveryState.UNCHECKED] * 2
    assert mover._states.get("pacs").breaker is Breaker.CLOSED


def test_a_busy_destination_is_not_begun_twice(outbox: Outbox) -> None:
    released = threading.Event()

    class Slow(Scripted):
        def send(self, parcels: Sequence[Parcel]) -> Iterator[Answer]:
            released.wait()
            return super().send(parcels)

    pacs = Slow()
    mover = courier(outbox, pacs=pacs)
    begun = mover.start_due()
    try:
        mover.deliver_due()
    finally:
        released.set()
    for thread in begun:
        thread.join()
    assert pacs.sent == ["9.1", "9.2"]


def test_a_replay_delivers_what_stands_once_more(outbox: Outbox) -> None:
    pacs, archive = Scripted(), Scripted()
    mover = courier(outbox, pacs=pacs, archive=archive)
    mover.deliver_due()
    assert outbox.replay(STUDY, "pacs") == 2
    mover.deliver_due()
    assert pacs.sent == ["9.1", "9.2"] * 2
    assert archive.sent == ["9.1", "9.2"]
    assert outbox.replay(STUDY, "nobody") == 0
