"""Durable positions in feeds, so that a restart goes on where reading stopped."""

from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import CursorRow


class Cursors:
    """Named positions; a feed that was never read is at 0."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def position(self, name: str) -> int:
        """How far the feed `name` was read."""
        with self._ledger.read() as session:
            row = session.get(CursorRow, name)
            return row.position if row else 0

    @retried
    def advance(self, name: str, position: int) -> None:
        """Everything up to `position` is safely ours; an older position than the kept one changes nothing."""
        with self._ledger.write() as session:
            row = session.get(CursorRow, name, with_for_update=True)
            if row is None:
                session.add(CursorRow(name=name, position=position, moved_at=self._clock()))
            elif position > row.position:
                row.position, row.moved_at = position, self._clock()

    @retried
    def reset(self, name: str) -> None:
        """Read the feed from its start again (its owner began a new one)."""
        with self._ledger.write() as session:
            row = session.get(CursorRow, name, with_for_update=True)
            if row is not None:
                row.position, row.moved_at = 0, self._clock()
