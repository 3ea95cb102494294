"""Hours of the day in a time zone, in which work may be started."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
_LOOK_AHEAD_DAYS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """From `start` (inclusive) to `end` (exclusive) by the clocks of `zone`, on the days that it begins on.

    An `end` that is not after `start` is on the next day, so that 20:00 to 06:00 is a night, and equal times are a
    whole day. days: weekdays, Monday is 0. zone: a name of the IANA time zone database. Clocks that are set forward or
    back take the hours with them: what counts is what a clock on the wall shows.
    """

    start: time
    end: time
    zone: str
    days: tuple[int, ...] = EVERY_DAY

    def is_open(self, at: datetime) -> bool:
        """Whether the moment `at` (with a zone) lies in the hours."""
        local = at.astimezone(ZoneInfo(self.zone))
        clock, today = local.time(), local.weekday()
        if self.start < self.end:
            return self.start <= clock < self.end and today in self.days
        if clock >= self.start:
            return today in self.days
        return clock < self.end and (today - 1) % 7 in self.days

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself if it lies in the hours, else the next moment that does."""
        if self.is_open(at):
            return at
        zone = ZoneInfo(self.zone)
        first = at.astimezone(zone).date()
        openings = [
            datetime.combine(first + timedelta(days=ahead), self.start, tzinfo=zone).astimezone(at.tzinfo)
            for ahead in range(_LOOK_AHEAD_DAYS)
        ]
        # an opening that the change to summer time leaves out does not come
        return next((moment for moment in openings if moment > at and self.is_open(moment)), openings[-1])
