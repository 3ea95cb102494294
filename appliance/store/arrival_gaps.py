"""In which rhythm each sender sends each modality, as far as its studies have shown."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select, tuple_

from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import ArrivalGapsRow

Key = tuple[str, str]
"""Calling AE title and modality."""


class ArrivalGaps:
    """Counts of gaps by class; what the classes are is known to `study.quiet_time` alone."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def of(self, senders: Iterable[Key]) -> dict[Key, tuple[int, ...]]:
        """What is remembered of these senders; those never seen are left out."""
        query = select(ArrivalGapsRow).where(
            tuple_(ArrivalGapsRow.calling_aet, ArrivalGapsRow.modality).in_(list(senders))
        )
        with self._ledger.read() as session:
            return {(row.calling_aet, row.modality): tuple(row.counts) for row in session.scalars(query)}

    @retried
    def remember(self, sender: Key, counts: Sequence[int]) -> None:
        """Keep these counts in place of earlier ones."""
        with self._ledger.write() as session:
            session.merge(
                ArrivalGapsRow(calling_aet=sender[0], modality=sender[1], counts=list(counts), learned_at=self._clock())
            )
