"""What is on its way to where: one row per result and destination, Orthanc first."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from appliance.domain.identifiers import StudyInstanceUID
from appliance.store.clock import Clock, utc_now
from appliance.store.deliveries import (
    ARRIVED,
    FAILED_DELIVERIES,
    OPEN_DELIVERIES,
    ORTHANC,
    Delivery,
    DeliveryState,
    deliveries,
    delivery_of,
    note,
    waits_for_orthanc,
)
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, lock
from appliance.store.faults import retried
from appliance.store.schema import OutboxRow, ResultRow


class Outbox:
    """Deliveries that are due, and what became of them."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def due(self, limit: int = 100, destination: str | None = None) -> tuple[Delivery, ...]:
        """Deliveries whose time has come, most urgent first; to other places only when Orthanc has its own."""
        with self._ledger.read() as session:
            return self._due(session, limit, destination, tuple(OPEN_DELIVERIES))

    def take(self, hold: timedelta, limit: int = 100, destination: str | None = None) -> tuple[Delivery, ...]:
        """The due deliveries, counted as one more attempt and held back from others for `hold`.

        Who dies with them loses them to the next taker; who is late is ignored (see `delivered`, `failed`).
        """
        counted = {"attempts": OutboxRow.attempts + 1, "looks": 0}
        return self._take(hold, limit, destination, DeliveryState.PENDING, counted)

    def take_accepted(self, hold: timedelta, limit: int, destination: str) -> tuple[Delivery, ...]:
        """Deliveries that a destination accepted and that it is time to look for there, counted as one more look."""
        return self._take(hold, limit, destination, DeliveryState.ACCEPTED, {"looks": OutboxRow.looks + 1})

    @retried
    def _take(
        self, hold: timedelta, limit: int, destination: str | None, state: DeliveryState, counted: dict[str, Any]
    ) -> tuple[Delivery, ...]:
        now = self._clock()
        with self._ledger.write() as session:
            taken = self._due(session, limit, destination, (state,), lock=True)
            session.execute(
                update(OutboxRow)
                .where(OutboxRow.id.in_([delivery.id for delivery in taken]))
                .values(due_at=now + hold, **counted)
            )
            session.expire_all()
            rows = session.execute(deliveries().where(OutboxRow.id.in_([delivery.id for delivery in taken])))
            by_id = {outbox.id: delivery_of(outbox, result) for outbox, result in rows}
        return tuple(by_id[delivery.id] for delivery in taken)

    @retried
    def hold(self, deliveries: Sequence[Delivery], hold: timedelta) -> None:
        """Hold those of a batch that are still to be made back from others for another while."""
        if not deliveries:
            return
        mine = or_(*(and_(OutboxRow.id == one.id, OutboxRow.attempts == one.attempts) for one in deliveries))
        with self._ledger.write() as session:
            session.execute(
                update(OutboxRow)
                .where(OutboxRow.state == DeliveryState.PENDING.value, mine)
                .values(due_at=self._clock() + hold)
                .execution_options(synchronize_session=False)
            )

    def _due(
        self,
        session: Session,
        limit: int,
        destination: str | None,
        states: tuple[DeliveryState, ...],
        *,
        lock: bool = False,
    ) -> tuple[Delivery, ...]:
        query = (
            deliveries()
            .where(OutboxRow.state.in_([state.value for state in states]), OutboxRow.due_at <= self._clock())
            .where(or_(OutboxRow.destination == ORTHANC, ~waits_for_orthanc()))
            .order_by(OutboxRow.urgency, OutboxRow.id)
            .limit(limit)
        )
        if destination is not None:
            query = query.where(OutboxRow.destination == destination)
        if lock:
            query = query.with_for_update(skip_locked=True, of=OutboxRow)
        return tuple(delivery_of(outbox, result) for outbox, result in session.execute(query))

    def delivered(self, delivery: Delivery, *, code: str | None = None, detail: str | None = None) -> bool:
        """The destination has it; `code` keeps a warning. False if the row has moved on since it was taken."""
        return self._close(delivery, DeliveryState.DELIVERED, EventKind.DELIVERED, code, detail)

    def accepted(
        self, delivery: Delivery, *, code: str | None = None, detail: str | None = None, look_for_it: bool
    ) -> bool:
        """The destination says that it has it; if it can be asked, it is looked for at once.

        False if the row has moved on since it was taken.
        """
        state = DeliveryState.ACCEPTED if look_for_it else DeliveryState.UNCHECKED
        return self._close(delivery, state, EventKind.DELIVERY_ACCEPTED, code, detail)

    @retried
    def not_seen(self, delivery: Delivery, again_in: timedelta, why: str | None = None) -> bool:
        """The destination does not show it yet, or could not be asked (`why`).

        False if the row has moved on since it was taken.
        """
        with self._ledger.write() as session:
            row = _held(session, delivery)
            if row is None:
                return False
            row.due_at = self._clock() + again_in
            row.detail = why or row.detail
        return True

    def refused(self, delivery: Delivery, code: str, detail: str) -> bool:
        """It will never be taken. False if the row has moved on since it was taken."""
        return self._close(delivery, DeliveryState.REFUSED, EventKind.DELIVERY_REFUSED, code, detail)

    def dead(self, delivery: Delivery, code: str, detail: str) -> bool:
        """It failed too often. False if the row has moved on since it was taken."""
        return self._close(delivery, DeliveryState.DEAD, EventKind.DELIVERY_DEAD, code, detail)

    @retried
    def postponed(self, delivery: Delivery, code: str, detail: str, again_in: timedelta) -> bool:
        """It was not tried, so that the attempt does not count. False if the row has moved on since it was taken."""
        with self._ledger.write() as session:
            row = _held(session, delivery)
            if row is None:
                return False
            row.code, row.detail, row.due_at = code, detail, self._clock() + again_in
            row.attempts -= 1
        return True

    @retried
    def failed(self, delivery: Delivery, code: str, detail: str, again_in: timedelta) -> bool:
        """Not this time. False if the row has moved on since it was taken."""
        now = self._clock()
        with self._ledger.write() as session:
            row = _held(session, delivery)
            if row is None:
                return False
            row.state, row.code, row.detail, row.due_at = DeliveryState.PENDING.value, code, detail, now + again_in
            note(session, delivery, EventKind.DELIVERY_FAILED, now, code)
        return True

    @retried
    def _close(
        self, delivery: Delivery, state: DeliveryState, kind: EventKind, code: str | None, detail: str | None
    ) -> bool:
        now = self._clock()
        with self._ledger.write() as session:
            row = _held(session, delivery)
            if row is None:
                return False
            row.state, row.code, row.detail = state.value, code, detail
            row.delivered_at = now if state in ARRIVED else None
            row.due_at = now
            note(session, delivery, kind, now, code)
        return True

    @retried
    def retry(self, study: StudyInstanceUID | None = None, destination: str | None = None) -> int:
        """Give refused and dead deliveries a new life, and make those that wait after a failure due now; how many."""
        query = update(OutboxRow).where(_is_stuck())
        if study is not None:
            results = select(ResultRow.sop_instance_uid).where(ResultRow.study_instance_uid == study)
            query = query.where(OutboxRow.sop_instance_uid.in_(results))
        if destination is not None:
            query = query.where(OutboxRow.destination == destination)
        values = {"state": DeliveryState.PENDING.value, "attempts": 0, "due_at": self._clock()}
        with self._ledger.write() as session:
            revived = session.scalars(query.values(values).returning(OutboxRow.id)).all()
        return len(revived)

    @retried
    def replay(self, study: StudyInstanceUID, destination: str) -> int:
        """Have the standing results of a study delivered to a destination once more; how many."""
        now = self._clock()
        query = (
            deliveries()
            .where(ResultRow.study_instance_uid == study, OutboxRow.destination == destination)
            .where(ResultRow.superseded_by.is_(None), OutboxRow.state.not_in(OPEN_DELIVERIES))
            .with_for_update(of=OutboxRow)
        )
        with self._ledger.write() as session:
            rows = session.execute(query).all()
            for row, result in rows:
                row.state, row.attempts, row.looks, row.due_at = DeliveryState.PENDING.value, 0, 0, now
                row.code = row.detail = row.delivered_at = None
                note(session, delivery_of(row, result), EventKind.DELIVERY_REPLAYED, now, None)
        return len(rows)

    def of_study(self, study: StudyInstanceUID) -> tuple[Delivery, ...]:
        """All deliveries of a study's results."""
        query = deliveries().where(ResultRow.study_instance_uid == study).order_by(OutboxRow.id)
        with self._ledger.read() as session:
            return tuple(delivery_of(outbox, result) for outbox, result in session.execute(query))

    def stuck(self) -> tuple[Delivery, ...]:
        """Refused and dead deliveries, and pending ones that failed before."""
        query = deliveries().where(_is_stuck())
        with self._ledger.read() as session:
            rows = session.execute(query.order_by(OutboxRow.id))
            return tuple(delivery_of(outbox, result) for outbox, result in rows)

    def depth(self) -> dict[DeliveryState, int]:
        """How many deliveries are in each state."""
        query = select(OutboxRow.state, func.count()).group_by(OutboxRow.state)
        with self._ledger.read() as session:
            return {DeliveryState(state): count for state, count in session.execute(query)}


def _is_stuck() -> ColumnElement[bool]:
    failed_before = (OutboxRow.state == DeliveryState.PENDING.value) & OutboxRow.code.is_not(None)
    return or_(OutboxRow.state.in_(FAILED_DELIVERIES), failed_before)


def _held(session: Session, delivery: Delivery) -> OutboxRow | None:
    """The row, if it is still in the attempt that `delivery` was taken in."""
    lock(session, delivery.study_instance_uid)
    row = session.get(OutboxRow, delivery.id, with_for_update=True)
    if row is None or (row.state, row.attempts, row.looks) != (delivery.state, delivery.attempts, delivery.looks):
        return None
    return row
