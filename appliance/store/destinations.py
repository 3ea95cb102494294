"""How each destination stands: its circuit breaker, and what a probe found that it accepts.

A breaker opens after so many failures in a row and then lets nothing through; when its time has passed, one courier
gets through with one delivery (half open), and what becomes of that closes or opens it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import DestinationRow


class Breaker(StrEnum):
    """Whether deliveries go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRule:
    """Open after `failures` in a row, for `first`, then twice as long each time up to `longest`."""

    failures: int = 5
    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=10)

    def closed_for(self, failures: int) -> timedelta:
        """How long nothing goes through after that many failures in a row."""
        return min(self.first * (1 << min(max(failures - self.failures, 0), 20)), self.longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationState:
    """How one destination stands. accepted: SOP Class UID -> transfer syntaxes that the last probe saw accepted."""

    name: str
    breaker: Breaker = Breaker.CLOSED
    failures: int = 0
    closed_until: datetime | None = None
    failed_at: datetime | None = None
    answered_at: datetime | None = None
    detail: str = ""
    accepted: Mapping[str, tuple[str, ...]] | None = field(default=None)
    probed_at: datetime | None = None


class DestinationStates:
    """The ledger's view of destinations; shared by all couriers of all machines."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now, rule: BreakerRule | None = None) -> None:
        self._ledger = ledger
        self._clock = clock
        self._rule = rule or BreakerRule()

    def get(self, name: str) -> DestinationState:
        """One destination; one that nothing was ever sent to stands as new."""
        with self._ledger.read() as session:
            row = session.get(DestinationRow, name)
            return self._state(row) if row is not None else DestinationState(name=name)

    def all(self) -> Mapping[str, DestinationState]:
        """Every destination that something is known of, by name."""
        with self._ledger.read() as session:
            return {row.name: self._state(row) for row in session.scalars(select(DestinationRow))}

    @retried
    def enter(self, name: str, hold: timedelta) -> Breaker:
        """Ask to deliver. HALF_OPEN is given to one courier at a time, who must say within `hold` what came of it."""
        now = self._clock()
        with self._ledger.write() as session:
            row = _row(session, name)
            if row.closed_until is None:
                return Breaker.CLOSED
            if row.closed_until > now:
                return Breaker.OPEN
            row.closed_until = now + hold
            return Breaker.HALF_OPEN

    @retried
    def not_used(self, name: str) -> None:
        """Who was let through half open had nothing to bring: the next one may."""
        with self._ledger.write() as session:
            _row(session, name).closed_until = self._clock()

    @retried
    def answered(self, name: str) -> None:
        """It answered: the breaker closes."""
        with self._ledger.write() as session:
            row = _row(session, name)
            row.failures, row.closed_until, row.answered_at, row.detail = 0, None, self._clock(), ""

    @retried
    def failed(self, name: str, detail: str) -> Breaker:
        """It did not answer once more; how the breaker stands now."""
        now = self._clock()
        with self._ledger.write() as session:
            row = _row(session, name)
            row.failures += 1
            row.failed_at, row.detail = now, detail
            if row.failures < self._rule.failures:
                return Breaker.CLOSED
            row.closed_until = now + self._rule.closed_for(row.failures)
            return Breaker.OPEN

    @retried
    def reset(self, name: str) -> None:
        """Let deliveries through at once: somebody has mended the destination."""
        with self._ledger.write() as session:
            row = _row(session, name)
            row.failures, row.closed_until = 0, None

    @retried
    def probed(self, name: str, accepted: Mapping[str, tuple[str, ...]]) -> None:
        """Keep what a probe found, in place of what an earlier one did."""
        with self._ledger.write() as session:
            row = _row(session, name)
            row.accepted_contexts = {sop_class: list(syntaxes) for sop_class, syntaxes in accepted.items()}
            row.probed_at = self._clock()

    def _state(self, row: DestinationRow) -> DestinationState:
        accepted = row.accepted_contexts
        return DestinationState(
            name=row.name,
            breaker=self._breaker(row),
            failures=row.failures,
            closed_until=row.closed_until,
            failed_at=row.failed_at,
            answered_at=row.answered_at,
            detail=row.detail,
            accepted=None if accepted is None else {uid: tuple(syntaxes) for uid, syntaxes in accepted.items()},
            probed_at=row.probed_at,
        )

    def _breaker(self, row: DestinationRow) -> Breaker:
        if row.closed_until is None:
            return Breaker.CLOSED
        return Breaker.OPEN if row.closed_until > self._clock() else Breaker.HALF_OPEN


def _row(session: Session, name: str) -> DestinationRow:
    row = session.get(DestinationRow, name, with_for_update=True)
    if row is None:
        row = DestinationRow(name=name, failures=0, detail="")
        session.add(row)
        session.flush()
    return row
