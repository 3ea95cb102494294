"""Sent is not accepted, and accepted is not visible: what a destination says it has is looked for there."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from appliance.delivery.backoff import Backoff
from appliance.delivery.sender import Answer
from appliance.delivery.visibility import Finder, Sought
from appliance.domain.errors import DestinationForgot, DestinationUnavailable
from appliance.logs import get_logger
from appliance.store.deliveries import ORTHANC, Delivery
from appliance.store.outbox import Outbox

LOOKS = Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=5), attempts=8)
"""How often, and at what intervals, an accepted object is looked for before it is sent again."""
_HOLD = timedelta(minutes=5)
_BATCH = 50

_log = get_logger(__name__)


class Witness:
    """Confirms deliveries. finders: ways to ask, of those destinations whose settings offer one.

    An object that stays unseen is sent again, as often as a delivery may be tried, and never counts as delivered.
    """

    def __init__(
        self,
        outbox: Outbox,
        finders: Mapping[str, Callable[[], Finder]],
        *,
        resend: Backoff,
        looks: Backoff = LOOKS,
    ) -> None:
        self._outbox = outbox
        self._finders = finders
        self._resend = resend
        self._looks = looks

    def accepted(self, delivery: Delivery, answer: Answer) -> None:
        """A destination took an object. Orthanc answers from its index: with it, accepted is visible."""
        code, detail = answer.code or None, answer.detail or None
        if delivery.destination == ORTHANC:
            self._outbox.delivered(delivery, code=code, detail=detail)
        else:
            look = delivery.destination in self._finders
            self._outbox.accepted(delivery, code=code, detail=detail, look_for_it=look)

    def look(self, destination: str) -> None:
        """Look for everything that the destination accepted and that it is time to look for."""
        make = self._finders.get(destination)
        while batch := self._outbox.take_accepted(_HOLD, _BATCH, destination):
            if make is None:  # the settings offer no query any more
                for delivery in batch:
                    self._outbox.accepted(delivery, code=delivery.code, detail=delivery.detail, look_for_it=False)
                continue
            sought = [
                Sought(
                    study_instance_uid=delivery.study_instance_uid,
                    series_instance_uid=delivery.series_instance_uid,
                    sop_instance_uid=delivery.sop_instance_uid,
                )
                for delivery in batch
            ]
            try:
                visible = make().visible(sought)
            except DestinationUnavailable as error:
                _log.warning("visibility not answered", destination=destination, code=error.code)
                for delivery in batch:
                    self._outbox.not_seen(delivery, self._wait(delivery), error.what)
                return
            for delivery in batch:
                self._conclude(delivery, delivery.sop_instance_uid in visible)

    def _conclude(self, delivery: Delivery, seen: bool) -> None:
        where = {"destination": delivery.destination, "workitem": delivery.workitem_uid}
        if seen:
            self._outbox.delivered(delivery, code=delivery.code, detail=delivery.detail)
            _log.info("delivered", **where)
        elif delivery.looks < self._looks.attempts:
            self._outbox.not_seen(delivery, self._wait(delivery))
        elif delivery.attempts < self._resend.attempts:
            wait = self._resend.wait(delivery.attempts, delivery.sop_instance_uid, delivery.destination)
            self._outbox.failed(delivery, DestinationForgot.code, DestinationForgot.title, wait)
            _log.error("accepted and not visible; it is sent again", **where)
        else:
            detail = f"{delivery.attempts} attempts; accepted each time, never visible"
            self._outbox.dead(delivery, DestinationForgot.code, detail)
            _log.error("delivery given up", code=DestinationForgot.code, **where)

    def _wait(self, delivery: Delivery) -> timedelta:
        return self._looks.wait(delivery.looks, delivery.sop_instance_uid, delivery.destination)
