"""How a study stands, in one word, and why it did not end well: nothing fails without being seen."""

from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.workitem import FINAL_STATES
from appliance.store.deliveries import OPEN_DELIVERIES, DeliveryState
from appliance.store.events import EventKind
from appliance.store.schema import EventRow, OutboxRow, ResultRow, StudyRow, WorkitemRow
from appliance.store.transitions import ended_badly


class StudyState(StrEnum):
    """The state of a study; `failed` wins over all others, since somebody has to look at it."""

    ARRIVING = "arriving"
    WORKING = "working"
    DELIVERING = "delivering"
    DONE = "done"
    NOT_APPLICABLE = "not-applicable"
    FAILED = "failed"


def state_of(session: Session, row: StudyRow) -> tuple[StudyState, tuple[str, ...]]:
    """The state, and the codes of everything that ended badly and was not replaced since."""
    failures = tuple(dict.fromkeys([*_planning(session, row), *_workitems(session, row), *_deliveries(session, row)]))
    return (StudyState.FAILED if failures else _progress(session, row)), failures


def _progress(session: Session, row: StudyRow) -> StudyState:
    if row.planned_at is None or row.plan_due_at is not None:
        return StudyState.ARRIVING
    states = set(
        session.scalars(
            select(WorkitemRow.state).where(WorkitemRow.study_instance_uid == row.study_instance_uid).distinct()
        )
    )
    if not states:
        return StudyState.NOT_APPLICABLE
    if states - FINAL_STATES:
        return StudyState.WORKING
    under_way = select(OutboxRow.id).join(ResultRow, ResultRow.sop_instance_uid == OutboxRow.sop_instance_uid)
    under_way = under_way.where(
        ResultRow.study_instance_uid == row.study_instance_uid, OutboxRow.state.in_(OPEN_DELIVERIES)
    )
    return StudyState.DONE if session.scalar(under_way.limit(1)) is None else StudyState.DELIVERING


def _planning(session: Session, row: StudyRow) -> list[str]:
    """The code of the last planning, if that failed."""
    last = session.execute(
        select(EventRow.kind, EventRow.code)
        .where(EventRow.study_instance_uid == row.study_instance_uid)
        .where(EventRow.kind.in_([EventKind.PLANNED.value, EventKind.PLAN_FAILED.value]))
        .order_by(EventRow.sequence.desc())
        .limit(1)
    ).one_or_none()
    return [str(last.code)] if last is not None and last.kind == EventKind.PLAN_FAILED else []


def _workitems(session: Session, row: StudyRow) -> list[str]:
    query = (
        select(WorkitemRow.reason_code)
        .where(WorkitemRow.study_instance_uid == row.study_instance_uid)
        .where(ended_badly())
        .order_by(WorkitemRow.finished_at, WorkitemRow.uid)
    )
    return [str(code) for code in session.scalars(query)]


def _deliveries(session: Session, row: StudyRow) -> list[str]:
    query = (
        select(OutboxRow.code)
        .join(ResultRow, ResultRow.sop_instance_uid == OutboxRow.sop_instance_uid)
        .where(ResultRow.study_instance_uid == row.study_instance_uid, OutboxRow.state == DeliveryState.DEAD.value)
        .order_by(OutboxRow.id)
    )
    return [str(code) for code in session.scalars(query)]
