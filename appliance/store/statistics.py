"""Figures over the whole ledger, for those who look after the node. Counts and times, no patient data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select

from appliance.domain.workitem import ProcedureStepState
from appliance.store.clock import Clock, utc_now
from appliance.store.deliveries import OPEN_DELIVERIES
from appliance.store.engine import Ledger
from appliance.store.events import EventKind
from appliance.store.schema import EventRow, InstanceRow, OutboxRow, ResultRow, SetAsideRow, StudyRow, WorkitemRow

FAILURES = (
    EventKind.PLAN_FAILED,
    EventKind.LEASE_EXPIRED,
    EventKind.CANCELED,
    EventKind.GATE_FAILED,
    EventKind.DELIVERY_FAILED,
    EventKind.DELIVERY_DEAD,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How much there is, and what waits. Keys of the mappings are states, reasons, destinations and codes."""

    studies: int
    instances: int
    results: int
    workitems: Mapping[str, int]
    canceled_because: Mapping[str, int]
    deliveries: Mapping[str, int]
    set_aside_because: Mapping[str, int]
    leases_expired: int
    oldest_waiting_at: datetime | None
    oldest_delivery_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One line of a study's timeline that says that something went wrong."""

    at: datetime
    kind: str
    code: str | None
    study_instance_uid: str
    series_instance_uid: str | None
    workitem_uid: str | None
    detail: Mapping[str, Any]


class Statistics:
    """Looks over the ledger, and changes nothing."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def figures(self) -> Figures:
        """How the ledger stands now."""
        waiting = WorkitemRow.state == ProcedureStepState.SCHEDULED.value
        running = WorkitemRow.state == ProcedureStepState.IN_PROGRESS.value
        canceled = WorkitemRow.state == ProcedureStepState.CANCELED.value
        pending = OutboxRow.state.in_(OPEN_DELIVERIES)
        return Figures(
            studies=self._count(select(func.count()).select_from(StudyRow)),
            instances=self._count(select(func.count()).select_from(InstanceRow)),
            results=self._count(select(func.count()).select_from(ResultRow)),
            workitems=self._by(select(WorkitemRow.state, func.count()).group_by(WorkitemRow.state)),
            canceled_because=self._by(
                select(WorkitemRow.reason_code, func.count()).where(canceled).group_by(WorkitemRow.reason_code)
            ),
            deliveries=self._by(
                select(OutboxRow.destination + " " + OutboxRow.state, func.count()).group_by(
                    OutboxRow.destination, OutboxRow.state
                )
            ),
            set_aside_because=self._by(select(SetAsideRow.code, func.count()).group_by(SetAsideRow.code)),
            leases_expired=self._count(
                select(func.count())
                .select_from(WorkitemRow)
                .where(running, WorkitemRow.lease_expires_at < self._clock())
            ),
            oldest_waiting_at=self._one(select(func.min(WorkitemRow.created_at)).where(waiting)),
            oldest_delivery_due_at=self._one(select(func.min(OutboxRow.due_at)).where(pending)),
        )

    def last_received(self) -> Mapping[str, datetime]:
        """When each calling AE title sent last."""
        query = select(InstanceRow.calling_aet, func.max(InstanceRow.arrived_at)).group_by(InstanceRow.calling_aet)
        with self._ledger.read() as session:
            return {aet: at for aet, at in session.execute(query) if aet}

    def newest_failures(self, limit: int = 200) -> tuple[Failure, ...]:
        """What went wrong last, newest first."""
        query = (
            select(EventRow)
            .where(EventRow.kind.in_([kind.value for kind in FAILURES]))
            .order_by(EventRow.at.desc(), EventRow.id.desc())
            .limit(limit)
        )
        with self._ledger.read() as session:
            return tuple(_failure(row) for row in session.scalars(query))

    def _count(self, query: Select[Any]) -> int:
        return int(self._one(query) or 0)

    def _one(self, query: Select[Any]) -> Any:
        with self._ledger.read() as session:
            return session.scalars(query).one()

    def _by(self, query: Select[Any, Any]) -> Mapping[str, int]:
        with self._ledger.read() as session:
            return {str(key or ""): int(count) for key, count in session.execute(query)}


def _failure(row: EventRow) -> Failure:
    return Failure(
        at=row.at,
        kind=row.kind,
        code=row.code,
        study_instance_uid=row.study_instance_uid,
        series_instance_uid=row.series_instance_uid,
        workitem_uid=row.workitem_uid,
        detail=row.detail,
    )
