"""Workitems to rows and back."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.hours import Hours
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID, WorkitemUID
from appliance.domain.workitem import URGENCY, Analysis, Priority, ProcedureStepState, Workitem
from appliance.store import findings_json
from appliance.store.schema import WaitRow, WorkitemRow


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkitemStatus:
    """A workitem and how far it is. `reason_code` and `reason_detail` say why it was canceled or handed back."""

    workitem: Workitem
    state: ProcedureStepState
    attempts: int
    worker: str | None
    lease_expires_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    stopped: str | None
    reason_code: str | None
    reason_detail: str | None
    supersedes: WorkitemUID | None
    not_before: datetime | None = None


def load(session: Session, row: WorkitemRow) -> Workitem:
    """The workitem of a row."""
    waits = session.scalars(
        select(WaitRow.waits_for).where(WaitRow.workitem_uid == row.uid).order_by(WaitRow.waits_for)
    )
    return Workitem(
        uid=WorkitemUID(row.uid),
        study_instance_uid=StudyInstanceUID(row.study_instance_uid),
        series_instance_uid=SeriesInstanceUID(row.series_instance_uid) if row.series_instance_uid else None,
        package=row.package,
        version=row.version,
        sop_instance_uids=tuple(SOPInstanceUID(uid) for uid in row.sop_instance_uids),
        created_at=row.created_at,
        priority=Priority(row.priority),
        waits_for=tuple(WorkitemUID(uid) for uid in waits),
        destinations=tuple(row.destinations),
        language=row.language,
        revision=row.revision,
        run_between=_hours(row.run_between),
        instead=row.instead,
        unmet=tuple(row.unmet or ()),
    )


def to_row(workitem: Workitem) -> WorkitemRow:
    """A new row, SCHEDULED."""
    return WorkitemRow(
        uid=workitem.uid,
        study_instance_uid=workitem.study_instance_uid,
        series_instance_uid=workitem.series_instance_uid,
        package=workitem.package,
        version=workitem.version,
        sop_instance_uids=list(workitem.sop_instance_uids),
        destinations=list(workitem.destinations),
        priority=workitem.priority.value,
        urgency=URGENCY[workitem.priority],
        language=workitem.language,
        revision=workitem.revision,
        created_at=workitem.created_at,
        run_between=_plain_hours(workitem.run_between),
        instead=workitem.instead,
        unmet=list(workitem.unmet),
    )


def _plain_hours(hours: Hours | None) -> dict[str, Any] | None:
    if hours is None:
        return None
    return {
        "start": hours.start.isoformat(),
        "end": hours.end.isoformat(),
        "zone": hours.zone,
        "days": list(hours.days),
    }


def _hours(plain: dict[str, Any] | None) -> Hours | None:
    if plain is None:
        return None
    return Hours(
        start=time.fromisoformat(plain["start"]),
        end=time.fromisoformat(plain["end"]),
        zone=plain["zone"],
        days=tuple(plain["days"]),
    )


def status(session: Session, row: WorkitemRow) -> WorkitemStatus:
    """The workitem of a row, and how far it is."""
    return WorkitemStatus(
        workitem=load(session, row),
        state=ProcedureStepState(row.state),
        attempts=row.attempts,
        worker=row.worker,
        lease_expires_at=row.lease_expires_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        stopped=row.stopped,
        reason_code=row.reason_code,
        reason_detail=row.reason_detail,
        supersedes=WorkitemUID(row.supersedes) if row.supersedes else None,
        not_before=row.not_before,
    )


def analysis(session: Session, row: WorkitemRow) -> Analysis:
    """What a completed workitem found, without masks."""
    return Analysis(
        workitem=load(session, row),
        findings=tuple(findings_json.from_json(value) for value in row.findings or ()),
        stopped=row.stopped,
        seconds=tuple((stage, seconds) for stage, seconds in row.seconds or ()),
    )
