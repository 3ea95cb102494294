"""When to try again: exponential back-off, spread by a jitter that follows from what is tried."""

from dataclasses import dataclass
from datetime import timedelta

from appliance.domain.identifiers import content_hash

_JITTER = 0.25
_LONGEST_EXPONENT = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits double from `first` up to `longest`; after `attempts` failures a delivery is dead."""

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(hours=1)
    attempts: int = 40

    def wait(self, attempt: int, *identity: str) -> timedelta:
        """The time between failed attempt number `attempt` (from 1) and the next.

        Within a quarter of the nominal wait, by a hash of attempt and identity: the same on every machine, different
        for deliveries that failed together.
        """
        nominal: timedelta = min(self.first * (1 << min(attempt - 1, _LONGEST_EXPONENT)), self.longest)
        share = int(content_hash(str(attempt), *identity)[:8], 16) / 0xFFFFFFFF
        return nominal * (1 - _JITTER + 2 * _JITTER * share)
