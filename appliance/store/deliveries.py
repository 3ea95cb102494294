"""Deliveries as the ledger keeps them: their states, and rows read as values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from appliance.domain.dicom_result import ResultKind
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID, WorkitemUID
from appliance.store.events import EventKind, record
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


ARRIVED = (DeliveryState.ACCEPTED, DeliveryState.UNCHECKED, DeliveryState.DELIVERED)
OPEN_DELIVERIES = frozenset({DeliveryState.PENDING, DeliveryState.ACCEPTED})
"""States that something still follows on."""
STATE_IN_WORDS = {
    DeliveryState.ACCEPTED: "accepted, not visible yet",
    DeliveryState.UNCHECKED: "accepted, visibility not checked",
}
"""What a person reads for a state whose name does not say it all."""
FAILED_DELIVERIES = (DeliveryState.REFUSED.value, DeliveryState.DEAD.value)


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


def withdraw(session: Session, sop_instance_uids: Iterable[str]) -> None:
    """Results that are superseded need not go out any more; within the caller's transaction."""
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.sop_instance_uid.in_(list(sop_instance_uids)))
        .where(OutboxRow.state.in_([*OPEN_DELIVERIES, *FAILED_DELIVERIES]))
        .values(state=DeliveryState.SUPERSEDED.value)
    )


def waits_for_orthanc() -> ColumnElement[bool]:
    """While Orthanc lacks the result itself, or something of the same workitem is still on its way there."""
    first, result = aliased(OutboxRow), aliased(ResultRow)
    own = (first.sop_instance_uid == OutboxRow.sop_instance_uid) & (first.state != DeliveryState.DELIVERED.value)
    return exists(
        select(first.id)
        .join(result, result.sop_instance_uid == first.sop_instance_uid)
        .where(result.workitem_uid == ResultRow.workitem_uid, first.destination == ORTHANC)
        .where(or_(own, first.state == DeliveryState.PENDING.value))
    )


def deliveries() -> Select[OutboxRow, ResultRow]:
    """Every delivery with its result, for a query to narrow."""
    return select(OutboxRow, ResultRow).join(ResultRow, ResultRow.sop_instance_uid == OutboxRow.sop_instance_uid)


def delivery_of(outbox: OutboxRow, result: ResultRow) -> Delivery:
    """A row and its result as a value."""
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


def note(session: Session, delivery: Delivery, kind: EventKind, now: datetime, code: str | None) -> None:
    """A line on the timeline of the study."""
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
