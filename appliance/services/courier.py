"""Takes due deliveries to their destinations, each destination by itself."""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from itertools import islice, repeat

from appliance.delivery.backoff import Backoff
from appliance.delivery.sender import Answer, Outcome, Parcel, Sender, refused, unavailable
from appliance.domain.errors import SettingsError
from appliance.domain.identifiers import StudyInstanceUID
from appliance.logs import get_logger
from appliance.store.outbox import ORTHANC, Delivery, Outbox
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
        objections: Mapping[str, Objection] | None = None,
        backoff: Backoff = DELIVERY,
        hold: timedelta = timedelta(minutes=1),
    ) -> None:
        self._outbox = outbox
        self._files = files
        self._senders = senders
        self._objections = objections or {}
        self._backoff = backoff
        self._hold = hold

    def deliver_due(self) -> int:
        """Make all due deliveries, Orthanc's first and then the others' side by side; how many were accepted.

        A destination that is slow or down holds up nobody else.
        """
        accepted = self._drain(ORTHANC)
        waiting = sorted({delivery.destination for delivery in self._outbox.due(limit=10_000)} - {ORTHANC})
        if not waiting:
            return accepted
        with ThreadPoolExecutor(max_workers=len(waiting), thread_name_prefix="courier") as pool:
            return accepted + sum(pool.map(self._drain, waiting))

    def _drain(self, destination: str) -> int:
        accepted = 0
        while batch := self._outbox.take(self._hold, limit=_BATCH, destination=destination):
            held_at = time.monotonic()
            for done, (delivery, answer) in enumerate(zip(batch, self._answers(destination, batch), strict=True), 1):
                self._record(delivery, answer)
                accepted += answer.outcome is Outcome.ACCEPTED
                if time.monotonic() - held_at > self._hold.total_seconds() / _HOLDS:
                    self._outbox.hold(batch[done:], self._hold)
                    held_at = time.monotonic()
        return accepted

    def _answers(self, destination: str, batch: Sequence[Delivery]) -> Iterator[Answer]:
        make = self._senders.get(destination)
        if make is None:
            yield from repeat(refused("there is no destination of this name any more", SettingsError), len(batch))
            return
        objection = self._objections.get(destination, _no_objection)
        against = {study: objection(study) for study in {delivery.study_instance_uid for delivery in batch}}
        free = [self._parcel(delivery) for delivery in batch if against[delivery.study_instance_uid] is None]
        with closing(_guarded(make, free)) as sent:
            for delivery in batch:
                yield against[delivery.study_instance_uid] or next(sent)

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
                self._outbox.delivered(delivery, code=answer.code or None, detail=answer.detail or None)
                _log.info("delivered", **where)
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
