"""Takes due deliveries to their destinations, each destination by itself."""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import islice, repeat

from appliance.delivery.backoff import Backoff
from appliance.delivery.sender import Answer, Outcome, Parcel, Sender, refused, unavailable
from appliance.domain.errors import SettingsError
from appliance.domain.identifiers import StudyInstanceUID
from appliance.logs import get_logger
from appliance.services.witness import Witness
from appliance.store.deliveries import ORTHANC, Delivery, DeliveryState
from appliance.store.destinations import Breaker, DestinationStates
from appliance.store.outbox import Outbox
from appliance.store.results import ResultFiles

DELIVERY = Backoff()
_BATCH = 50
_HOLDS = 3
"""A batch is held for a short while, and again while it goes on, so that a courier that dies is soon missed."""
_LOOK_AGAIN = timedelta(seconds=10)
"""After a postponement."""

Objection = Callable[[StudyInstanceUID], Answer | None]
"""Why nothing of a study may go to a destination now, or None."""

_log = get_logger(__name__)


class Courier:
    """Empties the outbox. Two couriers never carry the same delivery at the same time."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        files: ResultFiles,
        senders: Mapping[str, Callable[[], Sender]],
        states: DestinationStates,
        witness: Witness,
        objections: Mapping[str, Objection] | None = None,
        backoff: Backoff = DELIVERY,
        hold: timedelta = timedelta(minutes=1),
    ) -> None:
        self._outbox = outbox
        self._files = files
        self._senders = senders
        self._states = states
        self._witness = witness
        self._objections = objections or {}
        self._backoff = backoff
        self._hold = hold
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def deliver_due(self) -> None:
        """Make all due deliveries, Orthanc's first and then the others' side by side; returns when all are made."""
        for thread in self.start_due():
            thread.join()

    def start_due(self) -> tuple[threading.Thread, ...]:
        """Make Orthanc's due deliveries, and begin the others', each destination in a thread of its own.

        A destination that is slow or down holds up nobody else, and is not begun a second time while it is busy.
        """
        self._serve(ORTHANC)
        waiting = sorted({delivery.destination for delivery in self._outbox.due(limit=10_000)} - {ORTHANC})
        threads = tuple(
            threading.Thread(target=self._serve, args=(name,), name=f"courier-{name}", daemon=True) for name in waiting
        )
        for thread in threads:
            thread.start()
        return threads

    def _serve(self, destination: str) -> None:
        with self._lock:
            if destination in self._busy:
                return
            self._busy.add(destination)
        try:
            self._drain(destination)
            self._witness.look(destination)
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to; what it had taken is due again
            _log.error("delivering broke off", destination=destination, error=type(error).__name__)
        finally:
            with self._lock:
                self._busy.discard(destination)

    def _drain(self, destination: str) -> None:
        while self._has_work(destination):
            way = Breaker.CLOSED if destination == ORTHANC else self._states.enter(destination, self._hold)
            if way is Breaker.OPEN:
                return
            limit = _BATCH if way is Breaker.CLOSED else 1
            batch = self._outbox.take(self._hold, limit=limit, destination=destination)
            self._judge(destination, self._carry(destination, batch), way)
            self._witness.look(destination)

    def _carry(self, destination: str, batch: Sequence[Delivery]) -> Sequence[Answer]:
        """Bring a batch, and keep what is still to come from other couriers; what the destination itself answered."""
        tried: list[Answer] = []
        held_at = time.monotonic()
        for done, (delivery, answer) in enumerate(zip(batch, self._answers(destination, batch, tried), strict=True), 1):
            self._record(delivery, answer)
            if time.monotonic() - held_at > self._hold.total_seconds() / _HOLDS:
                self._outbox.hold(batch[done:], self._hold)
                held_at = time.monotonic()
        return tried

    def _has_work(self, destination: str) -> bool:
        due = self._outbox.due(limit=_BATCH, destination=destination)
        return any(delivery.state is DeliveryState.PENDING for delivery in due)

    def _judge(self, destination: str, tried: Sequence[Answer], way: Breaker) -> None:
        """One association that brought nothing but silence is one failure, however many objects were in it."""
        if destination == ORTHANC:
            return
        silent = [answer for answer in tried if answer.outcome is Outcome.UNAVAILABLE]
        if silent and len(silent) == len(tried):
            if self._states.failed(destination, silent[-1].detail) is Breaker.OPEN:
                _log.error("destination set aside", destination=destination, code=silent[-1].code)
        elif tried:
            self._states.answered(destination)
        elif way is Breaker.HALF_OPEN:
            self._states.not_used(destination)

    def _answers(self, destination: str, batch: Sequence[Delivery], tried: list[Answer]) -> Iterator[Answer]:
        """One answer for each delivery; those that the destination itself gave go into `tried` too."""
        make = self._senders.get(destination)
        if make is None:
            yield from repeat(refused("there is no destination of this name any more", SettingsError), len(batch))
            return
        objection = self._objections.get(destination, _no_objection)
        against = {study: objection(study) for study in {delivery.study_instance_uid for delivery in batch}}
        free = [self._parcel(delivery) for delivery in batch if against[delivery.study_instance_uid] is None]
        with closing(_guarded(make, free)) as sent:
            for delivery in batch:
                answer = against[delivery.study_instance_uid]
                if answer is None:
                    answer = next(sent)
                    tried.append(answer)
                yield answer

    def _parcel(self, delivery: Delivery) -> Parcel:
        return Parcel(
            file=self._files.path(delivery.path),
            sop_class_uid=delivery.sop_class_uid,
            sop_instance_uid=delivery.sop_instance_uid,
            transfer_syntax_uid=delivery.transfer_syntax_uid,
        )

    def _record(self, delivery: Delivery, answer: Answer) -> None:
        where = {"destination": delivery.destination, "workitem": delivery.workitem_uid, "code": answer.code}
        match answer.outcome:
            case Outcome.ACCEPTED:
                self._witness.accepted(delivery, answer)
                _log.info("accepted", **where)
            case Outcome.POSTPONED:
                self._outbox.postponed(delivery, answer.code, answer.detail, _LOOK_AGAIN)
            case Outcome.REFUSED:
                self._outbox.refused(delivery, answer.code, answer.detail)
                _log.error("delivery refused", **where)
            case Outcome.UNAVAILABLE if delivery.attempts >= self._backoff.attempts:
                self._outbox.dead(delivery, answer.code, f"{delivery.attempts} attempts; the last: {answer.detail}")
                _log.error("delivery given up", **where)
            case Outcome.UNAVAILABLE:
                wait = self._backoff.wait(delivery.attempts, delivery.sop_instance_uid, delivery.destination)
                self._outbox.failed(delivery, answer.code, answer.detail, wait)
                _log.warning("delivery failed", again_in_s=wait.total_seconds(), **where)


def _no_objection(_: StudyInstanceUID) -> None:
    return None


def _guarded(make: Callable[[], Sender], parcels: Sequence[Parcel]) -> Generator[Answer, None, None]:
    """One answer for each parcel; should the sender break, what it did not answer for is due again later."""
    if not parcels:
        return
    answered, why = 0, "without an answer"
    try:
        for answer in islice(make().send(parcels), len(parcels)):
            yield answer
            answered += 1
    except Exception as error:  # noqa: BLE001 - a defect in sending must not take the batch out of the outbox
        _log.error("sending broke off", error=type(error).__name__)
        why = type(error).__name__
    yield from repeat(unavailable(f"sending broke off ({why})"), len(parcels) - answered)
