"""Changes of a workitem's row, in the caller's transaction; the table in domain.workitem decides what may happen."""

from datetime import datetime

from sqlalchemy import ColumnElement, Exists, Select, and_, exists, select
from sqlalchemy.orm import Session, aliased

from appliance.domain.errors import LedgerError, UnknownWorkitem
from appliance.domain.hours import Hours
from appliance.domain.workitem import FINAL_STATES, TRANSITIONS, ProcedureStepState, WorkitemEvent
from appliance.store.events import EventKind, lock, record
from appliance.store.schema import WaitRow, WorkitemRow

SUPERSEDED = "workitem-superseded"
CANCELED_BY_USER = "canceled-by-user"
_FINAL = tuple(sorted(FINAL_STATES))


def locked(session: Session, uid: str) -> WorkitemRow:
    """The row, held against other writers until the transaction ends. Raises UnknownWorkitem."""
    study = session.scalar(select(WorkitemRow.study_instance_uid).where(WorkitemRow.uid == uid))
    if study is None:
        raise UnknownWorkitem(where=uid)
    lock(session, study)
    return session.get_one(WorkitemRow, uid, with_for_update=True)


def opening(hours: Hours | None, now: datetime) -> datetime | None:
    """When work with these hours may begin; None for at once."""
    return None if hours is None or hours.is_open(now) else hours.next_opening(now)


def advance(row: WorkitemRow, event: WorkitemEvent) -> None:
    """Take the row to the state that the table gives. Raises LedgerError if it gives none."""
    before = ProcedureStepState(row.state)
    after = TRANSITIONS.get((before, event))
    if after is None:
        raise LedgerError(f"{event} is not possible in the state {before}", where=row.uid)
    row.state = after.value


def cancel(session: Session, row: WorkitemRow, code: str, detail: str, now: datetime) -> None:
    """Close the workitem without results; whoever holds it has lost it."""
    advance(row, WorkitemEvent.CANCEL)
    row.token += 1
    row.reason_code, row.reason_detail = code, detail
    row.finished_at, row.lease_expires_at, row.worker = now, None, None
    note(session, row, EventKind.CANCELED, now, code=code, detail=detail)
    if code != SUPERSEDED:
        for dependent in _dependents(session, row):
            note(session, dependent, EventKind.GATE_FAILED, now, code=code, gate=row.package)


def cancel_dependents(session: Session, gate: WorkitemRow, code: str, now: datetime) -> None:
    """A stop gate contradicted the study: every analysis that waits for it shall not run; the report still is."""
    for dependent in _dependents(session, gate):
        cancel(session, dependent, code, f"stopped by {gate.package}", now)


def is_blocked(session: Session, uid: str) -> bool:
    """True while a workitem that this one waits for is not final."""
    return bool(session.scalar(select(_open_wait(uid))))


def unblocked(query: Select[WorkitemRow]) -> Select[WorkitemRow]:
    """Only the workitems of `query` that wait for nothing."""
    awaited = aliased(WorkitemRow)
    waiting = (
        select(WaitRow.workitem_uid)
        .join(awaited, awaited.uid == WaitRow.waits_for)
        .where(WaitRow.workitem_uid == WorkitemRow.uid, awaited.state.not_in(_FINAL))
    )
    return query.where(~exists(waiting.correlate(WorkitemRow)))


def ended_badly() -> ColumnElement[bool]:
    """Closed without results, for a reason, and not replaced since."""
    later = aliased(WorkitemRow)
    return and_(
        WorkitemRow.state == ProcedureStepState.CANCELED.value,
        WorkitemRow.reason_code != SUPERSEDED,
        ~exists(select(later.uid).where(later.supersedes == WorkitemRow.uid).correlate(WorkitemRow)),
    )


def note(
    session: Session, row: WorkitemRow, kind: EventKind, at: datetime, code: str | None = None, **detail: str | int
) -> None:
    """A line about the workitem on its study's timeline."""
    record(
        session,
        row.study_instance_uid,
        kind,
        at,
        series=row.series_instance_uid,
        workitem=row.uid,
        code=code,
        package=row.package,
        **detail,
    )


def _open_wait(uid: str) -> Exists:
    query = (
        select(WaitRow.workitem_uid)
        .join(WorkitemRow, WorkitemRow.uid == WaitRow.waits_for)
        .where(WaitRow.workitem_uid == uid, WorkitemRow.state.not_in(_FINAL))
    )
    return exists(query)


def _dependents(session: Session, gate: WorkitemRow) -> list[WorkitemRow]:
    query = (
        select(WorkitemRow)
        .join(WaitRow, WaitRow.workitem_uid == WorkitemRow.uid)
        .where(
            WaitRow.waits_for == gate.uid,
            WorkitemRow.series_instance_uid.is_not(
                None
            ),  # the report waits for everything and is written whatever happens
            WorkitemRow.state == ProcedureStepState.SCHEDULED.value,
        )
        .order_by(WorkitemRow.uid)
        .with_for_update()
    )
    return list(session.scalars(query))
