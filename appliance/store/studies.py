"""Studies: when they must be planned, and how they stand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, distinct, func, select
from sqlalchemy.orm import Session

from appliance.domain.errors import UnknownStudy
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.selection import Selection
from appliance.domain.workitem import ProcedureStepState
from appliance.store.clock import Clock, utc_now
from appliance.store.deliveries import Delivery, DeliveryState
from appliance.store.engine import Ledger
from appliance.store.events import Event, EventKind, Events, record
from appliance.store.faults import retried
from appliance.store.outbox import Outbox
from appliance.store.results import ResultRecord, Results
from appliance.store.schema import InstanceRow, OutboxRow, ResultRow, StudyRow, WorkitemRow
from appliance.store.selections import Selections
from appliance.store.study_state import StudyState, state_of
from appliance.store.workitem_rows import WorkitemStatus
from appliance.store.workitems import Workitems


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySummary:
    """One line of a list of studies. No patient data. `failures` are codes of what ended badly."""

    study_instance_uid: StudyInstanceUID
    first_arrival_at: datetime
    last_arrival_at: datetime
    planned_at: datetime | None
    modalities: tuple[str, ...]
    series: int
    instances: int
    workitems: dict[ProcedureStepState, int]
    results: int
    deliveries: dict[DeliveryState, int]
    state: StudyState
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Everything that happened to one study."""

    summary: StudySummary
    selections: tuple[Selection, ...]
    workitems: tuple[WorkitemStatus, ...]
    results: tuple[ResultRecord, ...]
    deliveries: tuple[Delivery, ...]
    events: tuple[Event, ...]


class Studies:
    """The list of studies."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def owe_plan(self, study: StudyInstanceUID, at: datetime) -> None:
        """Planning of `study` is owed at the moment `at`, in place of any other moment. Raises UnknownStudy."""
        with self._ledger.write() as session:
            _get(session, study, lock=True).plan_due_at = at

    def plans_due(self) -> tuple[StudyInstanceUID, ...]:
        """Studies whose planning is owed by now, longest owed first."""
        query = select(StudyRow.study_instance_uid).where(StudyRow.plan_due_at <= self._clock())
        with self._ledger.read() as session:
            return tuple(StudyInstanceUID(uid) for uid in session.scalars(query.order_by(StudyRow.plan_due_at)))

    def owes_plan(self, study: StudyInstanceUID) -> bool:
        """Whether something came that was not planned yet; of an unknown study nothing did."""
        with self._ledger.read() as session:
            row = session.get(StudyRow, study)
            return row is not None and row.plan_due_at is not None

    def last_arrival(self, study: StudyInstanceUID) -> datetime:
        """When something new came last. Raises UnknownStudy."""
        with self._ledger.read() as session:
            return _get(session, study).last_arrival_at

    def last_event(self, study: StudyInstanceUID) -> int:
        """The number of the last event of its timeline. Raises UnknownStudy."""
        with self._ledger.read() as session:
            return _get(session, study).last_event

    @retried
    def planned(
        self,
        study: StudyInstanceUID,
        as_of: datetime,
        *,
        instances: int,
        workitems: int,
        rules_revision: int = 0,
        because: str = "",
    ) -> bool:
        """The study was planned as it was when `last_arrival` said `as_of`, which gave so many new workitems;
        `because` says why it was taken as complete.

        False, and planning stays owed, if something has come since.
        """
        now = self._clock()
        with self._ledger.write() as session:
            row = _get(session, study, lock=True)
            if row.plan_due_at is None and not workitems:
                return True  # somebody else planned the same at the same time
            row.planned_at = now
            record(
                session,
                study,
                EventKind.PLANNED,
                now,
                instances=instances,
                workitems=workitems,
                rules=rules_revision,
                because=because,
            )
            if row.last_arrival_at != as_of:
                return False
            row.plan_due_at = None
            return True

    @retried
    def plan_failed(self, study: StudyInstanceUID, code: str, again_at: datetime) -> None:
        """Planning ended with an error; it is owed again later. Raises UnknownStudy."""
        with self._ledger.write() as session:
            _get(session, study, lock=True).plan_due_at = again_at
            record(session, study, EventKind.PLAN_FAILED, self._clock(), code=code)

    def summary(self, study: StudyInstanceUID) -> StudySummary:
        """How one study stands. Raises UnknownStudy."""
        with self._ledger.read() as session:
            return _summary(session, _get(session, study))

    def latest(self, limit: int = 100) -> tuple[StudySummary, ...]:
        """The studies that arrived last, newest first."""
        query = select(StudyRow).order_by(StudyRow.last_arrival_at.desc(), StudyRow.study_instance_uid).limit(limit)
        with self._ledger.read() as session:
            return tuple(_summary(session, row) for row in session.scalars(query))

    def arrived_since(self, moment: datetime) -> tuple[StudyInstanceUID, ...]:
        """The studies of which something arrived since, newest first."""
        query = select(StudyRow.study_instance_uid).where(StudyRow.last_arrival_at >= moment)
        with self._ledger.read() as session:
            found = session.scalars(query.order_by(StudyRow.last_arrival_at.desc(), StudyRow.study_instance_uid))
            return tuple(StudyInstanceUID(uid) for uid in found)

    def receipt(self, study: StudyInstanceUID) -> Receipt:
        """Everything that happened to a study, all of it as of one moment. Raises UnknownStudy."""
        with self._ledger.snapshot() as ledger:
            return Receipt(
                summary=Studies(ledger).summary(study),
                selections=Selections(ledger).of_study(study),
                workitems=Workitems(ledger).of_study(study),
                results=Results(ledger).of_study(study, superseded=True),
                deliveries=Outbox(ledger).of_study(study),
                events=Events(ledger).of_study(study),
            )


def _get(session: Session, study: str, *, lock: bool = False) -> StudyRow:
    row = session.get(StudyRow, study, with_for_update=lock)
    if row is None:
        raise UnknownStudy(where=study)
    return row


def _summary(session: Session, row: StudyRow) -> StudySummary:
    uid = row.study_instance_uid
    series, instances = session.execute(
        select(func.count(distinct(InstanceRow.series_instance_uid)), func.count()).where(
            InstanceRow.study_instance_uid == uid
        )
    ).one()
    modality = InstanceRow.attributes["Modality"].as_string()
    modalities = session.scalars(select(modality).where(InstanceRow.study_instance_uid == uid).distinct())
    states = select(WorkitemRow.state, func.count()).where(WorkitemRow.study_instance_uid == uid)
    deliveries = (
        select(OutboxRow.state, func.count())
        .join(ResultRow, ResultRow.sop_instance_uid == OutboxRow.sop_instance_uid)
        .where(ResultRow.study_instance_uid == uid)
    )
    results = select(func.count()).select_from(ResultRow)
    state, failures = state_of(session, row)
    return StudySummary(
        study_instance_uid=StudyInstanceUID(uid),
        first_arrival_at=row.first_arrival_at,
        last_arrival_at=row.last_arrival_at,
        planned_at=row.planned_at,
        modalities=tuple(sorted(value for value in modalities if value)),
        series=series,
        instances=instances,
        workitems={
            ProcedureStepState(key): count for key, count in _counts(session, states.group_by(WorkitemRow.state))
        },
        results=session.scalars(
            results.where(ResultRow.study_instance_uid == uid, ResultRow.superseded_by.is_(None))
        ).one(),
        deliveries={DeliveryState(key): count for key, count in _counts(session, deliveries.group_by(OutboxRow.state))},
        state=state,
        failures=failures,
    )


def _counts(session: Session, query: Select[Any, Any]) -> list[tuple[str, int]]:
    return [(state, count) for state, count in session.execute(query)]
