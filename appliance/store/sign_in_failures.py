"""How often signing in failed lately, and how long the next attempt has to wait.

Each attempt counts as failed before the password is looked at, so that many at once gain nothing; one that succeeds
takes its account's count back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import SignInFailureRow


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayRule:
    """`free` attempts without delay, then `first`, doubling with each up to `longest`."""

    free: int
    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=15)

    def delay(self, failures: int) -> timedelta:
        """What comes after that many failures."""
        if failures < self.free:
            return timedelta()
        return min(self.first * (1 << min(failures - self.free, 20)), self.longest)


class SignInFailures:
    """Counts by subject: an account, an address. A day without a failure forgets them."""

    forgotten_after = timedelta(days=1)

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def attempt(self, subjects: Mapping[str, DelayRule]) -> timedelta:
        """Count an attempt against every subject; or, where one has to wait, how long, and nothing is counted."""
        now = self._clock()
        with self._ledger.write() as session:
            session.execute(delete(SignInFailureRow).where(SignInFailureRow.failed_at < now - self.forgotten_after))
            rows = [(_row(session, subject, now), rule) for subject, rule in sorted(subjects.items())]
            wait = max((row.blocked_until - now for row, _ in rows), default=timedelta())
            if wait > timedelta():
                return wait
            for row, rule in rows:
                row.failures += 1
                row.failed_at, row.blocked_until = now, now + rule.delay(row.failures)
        return timedelta()

    @retried
    def succeeded(self, *subjects: str) -> None:
        """Forget the failures of these."""
        with self._ledger.write() as session:
            session.execute(delete(SignInFailureRow).where(SignInFailureRow.subject.in_(subjects)))


def _row(session: Session, subject: str, now: datetime) -> SignInFailureRow:
    row = session.get(SignInFailureRow, subject, with_for_update=True)
    if row is None:
        row = SignInFailureRow(subject=subject, failures=0, failed_at=now, blocked_until=now)
        session.add(row)
        session.flush()
    return row
