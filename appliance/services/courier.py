"""Takes due deliveries to their destinations, each destination by itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import repeat

from appliance.delivery.backoff import Backoff
from appliance.delivery.sender import Answer, Outcome, Parcel, Sender, refused, unavailable
from appliance.domain.errors import SettingsError
from appliance.logs import get_logger
from appliance.store.outbox import ORTHANC, Delivery, Outbox
from appliance.store.results import ResultFiles

DELIVERY = Backoff()
_HOLD = timedelta(minutes=10)
"""How long a batch may take before another courier believes that the first one died with it."""
_BATCH = 50

_log = get_logger(__name__)


class Courier:
    """Empties the outbox. Two couriers never carry the same delivery at the same time."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        files: ResultFiles,
        senders: Mapping[str, Callable[[], Sender]],
        backoff: Backoff = DELIVERY,
    ) -> None:
        self._outbox = outbox
        self._files = files
        self._senders = senders
        self._backoff = backoff

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
        while batch := self._outbox.take(_HOLD, limit=_BATCH, destination=destination):
            for delivery, answer in zip(batch, self._answers(destination, batch), strict=True):
                self._record(delivery, answer)
                accepted += answer.outcome is Outcome.ACCEPTED
        return accepted

    def _answers(self, destination: str, batch: Sequence[Delivery]) -> Iterator[Answer]:
        make = self._senders.get(destination)
        if make is None:
            return repeat(refused("there is no destination of this name any more", SettingsError), len(batch))
        return _guarded(make, [self._parcel(delivery) for delivery in batch])

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
            case Outcome.REFUSED:
                self._outbox.dead(delivery, answer.code, answer.detail)
                _log.error("delivery refused", **where)
            case Outcome.UNAVAILABLE if delivery.attempts >= self._backoff.attempts:
                self._outbox.dead(delivery, answer.code, f"{delivery.attempts} attempts; the last: {answer.detail}")
                _log.error("delivery given up", **where)
            case Outcome.UNAVAILABLE:
                wait = self._backoff.wait(delivery.attempts, delivery.sop_instance_uid, delivery.destination)
                self._outbox.failed(delivery, answer.code, answer.detail, wait)
                _log.warning("delivery failed", again_in_s=wait.total_seconds(), **where)


def _guarded(make: Callable[[], Sender], parcels: Sequence[Parcel]) -> Iterator[Answer]:
    """The answers of a sender; should it break, the parcels without an answer are due again later."""
    answered = 0
    try:
        for answer in make().send(parcels):
            yield answer
            answered += 1
    except Exception as error:  # noqa: BLE001 - a defect in sending must not take the batch out of the outbox
        _log.error("sending broke off", error=type(error).__name__)
        yield from repeat(unavailable(f"sending broke off ({type(error).__name__})"), len(parcels) - answered)
