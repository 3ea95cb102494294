"""What the ledger says of one study, as far as a line of the worklist needs it; and how long work takes as a rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.domain.errors import UnknownStudy
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import Analysis, ProcedureStepState
from appliance.store.engine import Ledger
from appliance.store.schema import InstanceRow, StudyRow, WorkitemRow
from appliance.store.workitem_rows import WorkitemStatus
from appliance.store.workitems import Workitems

RECENT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySources:
    """A study at one moment. headers: the attributes of one instance of each series."""

    study_instance_uid: StudyInstanceUID
    first_arrival_at: datetime
    planned_at: datetime | None
    owes_plan: bool
    last_event: int
    headers: tuple[Mapping[str, Any], ...]
    instances: int
    workitems: tuple[WorkitemStatus, ...]
    analyses: tuple[Analysis, ...]


class WorklistSources:
    """Reads them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of_study(self, study: StudyInstanceUID) -> StudySources:
        """All of it as of one moment; work is bounded by the series and workitems. Raises UnknownStudy."""
        with self._ledger.snapshot() as ledger, ledger.read() as session:
            row = session.get(StudyRow, study)
            if row is None:
                raise UnknownStudy(where=study)
            workitems = Workitems(ledger)
            return StudySources(
                study_instance_uid=study,
                first_arrival_at=row.first_arrival_at,
                planned_at=row.planned_at,
                owes_plan=row.plan_due_at is not None,
                last_event=row.last_event,
                headers=_headers(session, study),
                instances=session.scalars(
                    select(func.count()).select_from(InstanceRow).where(InstanceRow.study_instance_uid == study)
                ).one(),
                workitems=workitems.of_study(study),
                analyses=workitems.analyses(study),
            )

    def usual_time(self, package: str, version: str) -> timedelta | None:
        """The median of how long the last RECENT completed workitems took from their first claim on; None for none."""
        query = (
            select(WorkitemRow.started_at, WorkitemRow.finished_at)
            .where(WorkitemRow.package == package, WorkitemRow.version == version)
            .where(WorkitemRow.state == ProcedureStepState.COMPLETED.value, WorkitemRow.started_at.is_not(None))
            .order_by(WorkitemRow.finished_at.desc())
            .limit(RECENT)
        )
        with self._ledger.read() as session:
            took = [(end - start).total_seconds() for start, end in session.execute(query) if start and end]
        return timedelta(seconds=median(took)) if took else None


def _headers(session: Session, study: str) -> tuple[Mapping[str, Any], ...]:
    one_of_each = (
        select(func.min(InstanceRow.orthanc_id))
        .where(InstanceRow.study_instance_uid == study)
        .group_by(InstanceRow.series_instance_uid)
    )
    query = select(InstanceRow.attributes).where(InstanceRow.orthanc_id.in_(one_of_each))
    return tuple(session.scalars(query.order_by(InstanceRow.series_instance_uid)))
