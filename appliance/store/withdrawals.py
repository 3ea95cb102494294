"""Results that were replaced, and that Orthanc still has."""

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased

from appliance.store.clock import Clock, utc_now
from appliance.store.deliveries import ORTHANC, WITHDRAWN, Delivery, DeliveryState, deliveries, delivery_of, note
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, lock
from appliance.store.faults import retried
from appliance.store.schema import OutboxRow, ResultRow


class Withdrawals:
    """What is to be taken out of Orthanc, and what was."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def to_withdraw(self, limit: int = 100) -> tuple[Delivery, ...]:
        """What Orthanc has, or may have, of results that were replaced, once all that replaces them is there.

        A delivery that was under way when its result was replaced may still end well, so it is left its time.
        """
        newer, arriving = aliased(ResultRow), aliased(OutboxRow)
        replacement_is_coming = exists(
            select(arriving.id)
            .join(newer, newer.sop_instance_uid == arriving.sop_instance_uid)
            .where(newer.workitem_uid == ResultRow.superseded_by, arriving.destination == ORTHANC)
            .where(arriving.state == DeliveryState.PENDING.value)
        )
        query = (
            deliveries()
            .where(ResultRow.superseded_by.is_not(None), OutboxRow.destination == ORTHANC)
            .where(OutboxRow.attempts > 0, or_(OutboxRow.code.is_(None), OutboxRow.code != WITHDRAWN))
            .where(or_(OutboxRow.delivered_at.is_not(None), OutboxRow.due_at <= self._clock()))
            .where(~replacement_is_coming)
            .order_by(OutboxRow.id)
            .limit(limit)
        )
        with self._ledger.read() as session:
            return tuple(delivery_of(outbox, result) for outbox, result in session.execute(query))

    @retried
    def withdrawn(self, delivery: Delivery) -> None:
        """Orthanc no longer has what was replaced."""
        with self._ledger.write() as session:
            lock(session, delivery.study_instance_uid)
            row = session.get_one(OutboxRow, delivery.id, with_for_update=True)
            row.state, row.code, row.detail = DeliveryState.SUPERSEDED.value, WITHDRAWN, None
            note(session, delivery, EventKind.WITHDRAWN, self._clock(), None)
