"""How long silence must last before it means that a series has ended.

DICOM has no end-of-series signal (PS3.4 Annex B: a C-STORE says nothing of the next one), but every sender has its own
rhythm. The gaps between arrivals are remembered per sender and modality; silence that is long against them ends a
series. Nothing here knows a clock.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

GAP_FACTOR = 3.0
"""How many times the usual gap counts as silence."""
ENOUGH = 8
"""So many gaps must have been seen before anything is concluded from them."""
REMEMBERED = 2000
"""Beyond so many gaps the older ones lose half their weight, so that a modality that was replaced is forgotten."""
EDGES_S = tuple(0.01 * 2 ** (step / 2) for step in range(22))
"""Upper edges of the classes of gaps, from 10 ms to 14 s; longer ones fall into a last class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietTime:
    """Bounds of the silence after which a series without a known count counts as complete.

    patience: how long a series waits that is known to be incomplete, should Orthanc never call its study stable.
    """

    minimum: timedelta = timedelta(seconds=0.5)
    maximum: timedelta = timedelta(seconds=5)
    patience: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Gaps:
    """How often gaps of each class of EDGES_S were seen from one sender and modality."""

    counts: tuple[int, ...] = field(default=(0,) * (len(EDGES_S) + 1))

    @property
    def total(self) -> int:
        """How many gaps are remembered."""
        return sum(self.counts)

    def with_these(self, gaps: Iterable[timedelta]) -> "Gaps":
        """The memory after these gaps too."""
        counts = list(self.counts)
        for gap in gaps:
            counts[bisect_left(EDGES_S, gap.total_seconds())] += 1
            if sum(counts) > REMEMBERED:
                counts = [count // 2 for count in counts]
        return Gaps(tuple(counts))

    def quantile(self, share: float) -> timedelta:
        """The gap that `share` of all gaps do not exceed, rounded up to its class; nothing for an empty memory."""
        wanted, seen = share * self.total, 0
        for edge, count in zip((*EDGES_S, EDGES_S[-1] * 2), self.counts, strict=True):
            seen += count
            if seen >= wanted and seen:
                return timedelta(seconds=edge)
        return timedelta(0)


NO_GAPS = Gaps()


def gaps_between(moments: Iterable[datetime]) -> list[timedelta]:
    """The times between arrivals, whatever order they are told in."""
    return [after - before for before, after in pairwise(sorted(moments))]


def silence(own: Sequence[timedelta], learned: Gaps, quiet: QuietTime) -> timedelta:
    """The silence that ends a series whose gaps so far are `own`, from a sender of whom `learned` is remembered; the
    longest while too little has been seen.
    """
    if learned.total + len(own) < ENOUGH:
        return quiet.maximum
    usual = learned.quantile(0.99) if learned.total >= ENOUGH else timedelta(0)
    if own:
        usual = max(usual, sorted(own)[int((len(own) - 1) * 0.95)])
    return min(max(usual * GAP_FACTOR, quiet.minimum), quiet.maximum)
