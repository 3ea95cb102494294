"""One append-only timeline per study: what happened, when, to what. No patient data."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.domain.identifiers import StudyInstanceUID
from appliance.store.engine import Ledger
from appliance.store.schema import EventRow, StudyRow


class EventKind(StrEnum):
    """What a line of the timeline can say."""

    ARRIVED = "arrived"
    INSTANCE_CHANGED = "instance-changed"
    PLANNED = "planned"
    PLAN_FAILED = "plan-failed"
    SERIES_CHOSEN = "series-chosen"
    SCHEDULED = "scheduled"
    CLAIMED = "claimed"
    LEASE_EXPIRED = "lease-expired"
    RELEASED = "released"
    COMPLETED = "completed"
    CANCELED = "canceled"
    GATE_FAILED = "gate-failed"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    RETRACTED = "retracted"
    FEEDBACK = "feedback"
    ADDRESSED = "addressed"
    DELIVERED = "delivered"
    DELIVERY_ACCEPTED = "delivery-accepted"
    DELIVERY_REPLAYED = "delivery-replayed"
    DELIVERY_FAILED = "delivery-failed"
    DELIVERY_REFUSED = "delivery-refused"
    DELIVERY_DEAD = "delivery-dead"
    KEPT_OUT = "kept-out"
    LET_IN = "let-in"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line of a timeline; `sequence` counts from 1 within the study, without gaps."""

    sequence: int
    at: datetime
    kind: EventKind
    series_instance_uid: str | None
    workitem_uid: str | None
    code: str | None
    detail: dict[str, Any]


def lock(session: Session, study: str) -> None:
    """Hold the study against other writers until the transaction ends; whoever locks more locks this first."""
    session.execute(select(StudyRow.study_instance_uid).where(StudyRow.study_instance_uid == study).with_for_update())


def record(
    session: Session,
    study: str,
    kind: EventKind,
    at: datetime,
    *,
    series: str | None = None,
    workitem: str | None = None,
    code: str | None = None,
    **detail: str | int | float,
) -> None:
    """Add a line to the timeline of `study` within the caller's transaction."""
    # the counter's row lock puts writers of one study in a line, so that sequence numbers have neither gap nor double
    sequence = session.execute(
        update(StudyRow)
        .where(StudyRow.study_instance_uid == study)
        .values(last_event=StudyRow.last_event + 1, is_listed=False)
        .returning(StudyRow.last_event)
        .execution_options(synchronize_session=False)
    ).scalar_one()
    session.add(
        EventRow(
            study_instance_uid=study,
            sequence=sequence,
            at=at,
            kind=kind.value,
            series_instance_uid=series,
            workitem_uid=workitem,
            code=code,
            detail=dict(detail),
        )
    )


class Events:
    """Reading timelines."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of_study(self, study: StudyInstanceUID, after: int = 0) -> tuple[Event, ...]:
        """The timeline of `study`, oldest first, from sequence number `after` on."""
        query = (
            select(EventRow)
            .where(EventRow.study_instance_uid == study, EventRow.sequence > after)
            .order_by(EventRow.sequence)
        )
        with self._ledger.read() as session:
            return tuple(_event(row) for row in session.scalars(query))


def _event(row: EventRow) -> Event:
    return Event(
        sequence=row.sequence,
        at=row.at,
        kind=EventKind(row.kind),
        series_instance_uid=row.series_instance_uid,
        workitem_uid=row.workitem_uid,
        code=row.code,
        detail=row.detail,
    )
