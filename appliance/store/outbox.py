"""What is on its way to where: one row per result and destination, Orthanc first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from appliance.domain.dicom_result import ResultKind
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID, WorkitemUID
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, lock, record
from appliance.store.faults import retried
from appliance.store.schema import OutboxRow, ResultRow

ORTHANC = "orthanc"
"""The destination that results go to before any other: the node itself."""


WITHDRAWN = "withdrawn"
"""The code of a superseded delivery whose object was taken out of Orthanc again."""


class DeliveryState(StrEnum):
    """How far a delivery is. ACCEPTED: the destination said so, and will be asked whether it shows the object;
    UNCHECKED: it said so and cannot be asked; DELIVERED: it shows the object. REFUSED: not taken, however often it is
    offered; DEAD: given up after many attempts.
    """

    PENDING = "pending"
    ACCEPTED = "accepted"
    UNCHECKED = "unchecked"
    DELIVERED = "delivered"
    REFUSED = "refused"
    DEAD = "dead"
    SUPERSEDED = "superseded"


_ARRIVED = (DeliveryState.ACCEPTED, DeliveryState.UNCHECKED, DeliveryState.DELIVERED)
OPEN_DELIVERIES = frozenset({DeliveryState.PENDING, DeliveryState.ACCEPTED})
"""States that something still follows on."""
STATE_IN_WORDS = {
    DeliveryState.ACCEPTED: "accepted, not visible yet",
    DeliveryState.UNCHECKED: "accepted, visibility not checked",
}
"""What a person reads for a state whose name does not say it all."""
_FAILED = (DeliveryState.REFUSED.value, DeliveryState.DEAD.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A result and a destination; `code` and `detail` are those of the last answer, warnings included."""

    id: int
    destination: str
    state: DeliveryState
    attempts: int
    looks: int
    due_at: datetime
    code: str | None
    detail: str | None
    delivered_at: datetime | None
    kind: ResultKind
    workitem_uid: WorkitemUID
    study_instance_uid: StudyInstanceUID
    series_instance_uid: SeriesInstanceUID
    sop_class_uid: str
    sop_instance_uid: SOPInstanceUID
    transfer_syntax_uid: str
    path: str
    sha256: str


def add_deliveries(
    session: Session, sop_instance_uid: str, destinations: Iterable[str], urgency: int, due_at: datetime
) -> None:
    """Rows for a new result, within the caller's transaction."""
    for destination in dict.fromkeys(destinations):
        session.add(
            OutboxRow(
                sop_instance_uid=sop_instance_uid,
                destination=destination,
                urgency=urgency,
                state=DeliveryState.PENDING.value,
                due_at=due_at,
            )
        )


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
            rows = session.execute(_deliveries().where(OutboxRow.id.in_([delivery.id for delivery in taken])))
            by_id = {outbox.id: _delivery(outbox, result) for outbox, result in rows}
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
            _deliveries()
            .where(OutboxRow.state.in_([state.value for state in states]), OutboxRow.due_at <= self._clock())
            .where(or_(OutboxRow.destination == ORTHANC, ~_waits_for_orthanc()))
            .order_by(OutboxRow.urgency, OutboxRow.id)
            .limit(limit)
        )
        if destination is not None:
            query = query.where(OutboxRow.destination == destination)
        if lock:
            query = query.with_for_update(skip_locked=True, of=OutboxRow)
        return tuple(_delivery(outbox, result) for outbox, result in session.execute(query))

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
            _note(session, delivery, EventKind.DELIVERY_FAILED, now, code)
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
            row.delivered_at = now if state in _ARRIVED else None
            row.due_at = now
            _note(session, delivery, kind, now, code)
        return True

    @retried
    def retry(self, study: StudyInstanceUID | None = None, destination: str | None = None) -> int:
        """Give refused and dead deliveries a new life; how many."""
        query = update(OutboxRow).where(OutboxRow.state.in_(_FAILED))
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
            _deliveries()
            .where(ResultRow.study_instance_uid == study, OutboxRow.destination == destination)
            .where(ResultRow.superseded_by.is_(None), OutboxRow.state.not_in(OPEN_DELIVERIES))
            .with_for_update(of=OutboxRow)
        )
        with self._ledger.write() as session:
            rows = session.execute(query).all()
            for row, result in rows:
                row.state, row.attempts, row.looks, row.due_at = DeliveryState.PENDING.value, 0, 0, now
                row.code = row.detail = row.delivered_at = None
                _note(session, _delivery(row, result), EventKind.DELIVERY_REPLAYED, now, None)
        return len(rows)

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
            _deliveries()
            .where(ResultRow.superseded_by.is_not(None), OutboxRow.destination == ORTHANC)
            .where(OutboxRow.attempts > 0, or_(OutboxRow.code.is_(None), OutboxRow.code != WITHDRAWN))
            .where(or_(OutboxRow.delivered_at.is_not(None), OutboxRow.due_at <= self._clock()))
            .where(~replacement_is_coming)
            .order_by(OutboxRow.id)
            .limit(limit)
        )
        with self._ledger.read() as session:
            return tuple(_delivery(outbox, result) for outbox, result in session.execute(query))

    @retried
    def withdrawn(self, delivery: Delivery) -> None:
        """Orthanc no longer has what was replaced."""
        with self._ledger.write() as session:
            lock(session, delivery.study_instance_uid)
            row = session.get_one(OutboxRow, delivery.id, with_for_update=True)
            row.state, row.code, row.detail = DeliveryState.SUPERSEDED.value, WITHDRAWN, None
            _note(session, delivery, EventKind.WITHDRAWN, self._clock(), None)

    def of_study(self, study: StudyInstanceUID) -> tuple[Delivery, ...]:
        """All deliveries of a study's results."""
        query = _deliveries().where(ResultRow.study_instance_uid == study).order_by(OutboxRow.id)
        with self._ledger.read() as session:
            return tuple(_delivery(outbox, result) for outbox, result in session.execute(query))

    def stuck(self) -> tuple[Delivery, ...]:
        """Refused and dead deliveries, and pending ones that failed before."""
        query = _deliveries().where(
            or_(
                OutboxRow.state.in_(_FAILED),
                (OutboxRow.state == DeliveryState.PENDING.value) & OutboxRow.code.is_not(None),
            )
        )
        with self._ledger.read() as session:
            rows = session.execute(query.order_by(OutboxRow.id))
            return tuple(_delivery(outbox, result) for outbox, result in rows)

    def depth(self) -> dict[DeliveryState, int]:
        """How many deliveries are in each state."""
        query = select(OutboxRow.state, func.count()).group_by(OutboxRow.state)
        with self._ledger.read() as session:
            return {DeliveryState(state): count for state, count in session.execute(query)}


def withdraw(session: Session, sop_instance_uids: Iterable[str]) -> None:
    """Results that are superseded need not go out any more; within the caller's transaction."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.sop_instance_uid.in_(list(sop_instance_uids)))
        .where(OutboxRow.state.in_([*OPEN_DELIVERIES, *_FAILED]))
        .values(state=DeliveryState.SUPERSEDED.value)
    )


def _waits_for_orthanc() -> ColumnElement[bool]:
    """While Orthanc lacks the result itself, or something of the same workitem is still on its way there."""
    first, result = aliased(OutboxRow), aliased(ResultRow)
    own = (first.sop_instance_uid == OutboxRow.sop_instance_uid) & (first.state != DeliveryState.DELIVERED.value)
    return exists(
        select(first.id)
        .join(result, result.sop_instance_uid == first.sop_instance_uid)
        .where(result.workitem_uid == ResultRow.workitem_uid, first.destination == ORTHANC)
        .where(or_(own, first.state == DeliveryState.PENDING.value))
    )


def _deliveries() -> Select[OutboxRow, ResultRow]:
    return select(OutboxRow, ResultRow).join(ResultRow, ResultRow.sop_instance_uid == OutboxRow.sop_instance_uid)


def _held(session: Session, delivery: Delivery) -> OutboxRow | None:
    """The row, if it is still in the attempt that `delivery` was taken in."""
    lock(session, delivery.study_instance_uid)
    row = session.get(OutboxRow, delivery.id, with_for_update=True)
    if row is None or (row.state, row.attempts, row.looks) != (delivery.state, delivery.attempts, delivery.looks):
        return None
    return row


def _note(session: Session, delivery: Delivery, kind: EventKind, now: datetime, code: str | None) -> None:
    record(
        session,
        delivery.study_instance_uid,
        kind,
        now,
        workitem=delivery.workitem_uid,
        code=code,
        destination=delivery.destination,
        result=delivery.kind.value,
        attempt=delivery.attempts,
    )


def _delivery(outbox: OutboxRow, result: ResultRow) -> Delivery:
    return Delivery(
        id=outbox.id,
        destination=outbox.destination,
        state=DeliveryState(outbox.state),
        attempts=outbox.attempts,
        looks=outbox.looks,
        due_at=outbox.due_at,
        code=outbox.code,
        detail=outbox.detail,
        delivered_at=outbox.delivered_at,
        kind=ResultKind(result.kind),
        workitem_uid=WorkitemUID(result.workitem_uid),
        study_instance_uid=StudyInstanceUID(result.study_instance_uid),
        series_instance_uid=SeriesInstanceUID(result.series_instance_uid),
        sop_class_uid=result.sop_class_uid,
        sop_instance_uid=SOPInstanceUID(result.sop_instance_uid),
        transfer_syntax_uid=result.transfer_syntax_uid,
        path=result.path,
        sha256=result.sha256,
    )
