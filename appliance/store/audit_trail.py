"""The audit trail: who did what, when, to what, from where. Append only; the database holds to that by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select

from appliance.domain.audit import AuditEntry, AuditKind, Outcome
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import AuditRow

_ABOUT_LENGTH = 256
_ACTOR_LENGTH = 128
_ADDRESS_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """An entry as it stands in the trail; numbers grow, and may have gaps."""

    number: int
    at: datetime
    kind: AuditKind
    outcome: Outcome
    actor: str
    address: str
    study_instance_uid: str | None
    about: str
    detail: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """What to look for; None is everything. before: only numbers below, which is how pages follow each other."""

    kind: AuditKind | None = None
    actor: str | None = None
    study_instance_uid: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


class AuditTrail:
    """Writing and searching; nothing changes or removes."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def record(self, entry: AuditEntry) -> None:
        """Add an entry. Raises LedgerUnavailable: what cannot be recorded must not be done."""
        row = AuditRow(
            at=self._clock(),
            kind=entry.kind.value,
            outcome=entry.outcome.value,
            actor=entry.actor.name[:_ACTOR_LENGTH],
            address=entry.actor.address[:_ADDRESS_LENGTH],
            study_instance_uid=entry.study_instance_uid,
            about=entry.about[:_ABOUT_LENGTH],
            detail=dict(entry.detail),
        )
        with self._ledger.write() as session:
            session.add(row)

    def search(self, query: AuditQuery, limit: int) -> tuple[AuditRecord, ...]:
        """The newest entries that fit, newest first."""
        with self._ledger.read() as session:
            return tuple(_record(row) for row in session.scalars(_statement(query).limit(limit)))


def _statement(query: AuditQuery) -> Select[AuditRow]:
    equal = {
        AuditRow.kind: query.kind,
        AuditRow.actor: query.actor,
        AuditRow.study_instance_uid: query.study_instance_uid,
        AuditRow.outcome: query.outcome,
    }
    conditions = [column == str(value) for column, value in equal.items() if value is not None]
    if query.since is not None:
        conditions.append(AuditRow.at >= query.since)
    if query.until is not None:
        conditions.append(AuditRow.at < query.until)
    if query.before is not None:
        conditions.append(AuditRow.number < query.before)
    return select(AuditRow).where(*conditions).order_by(AuditRow.number.desc())


def _record(row: AuditRow) -> AuditRecord:
    return AuditRecord(
        number=row.number,
        at=row.at,
        kind=AuditKind(row.kind),
        outcome=Outcome(row.outcome),
        actor=row.actor,
        address=row.address,
        study_instance_uid=row.study_instance_uid,
        about=row.about,
        detail=row.detail,
    )
