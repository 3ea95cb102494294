"""Hours by the clock on the wall: over midnight, on some days, through both changes of the clocks."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.hours import Hours

BERLIN = "Europe/Berlin"
NIGHT = Hours(start=time(20), end=time(6), zone=BERLIN)
OFFICE = Hours(start=time(8), end=time(17), zone=BERLIN, days=(0, 1, 2, 3, 4))
FRIDAY_NIGHT = Hours(start=time(20), end=time(6), zone=BERLIN, days=(4,))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "moment", "is_open"),
    [
        (NIGHT, "2026-11-24T18:59", False),  # 19:59 in Berlin
        (NIGHT, "2026-11-24T19:00", True),
        (NIGHT, "2026-11-25T04:59", True),
        (NIGHT, "2026-11-25T05:00", False),
        (NIGHT, "2026-07-24T18:00", True),  # summer time: 20:00 in Berlin
        (OFFICE, "2026-11-24T07:00", True),
        (OFFICE, "2026-11-28T10:00", False),  # a Saturday
        (FRIDAY_NIGHT, "2026-11-27T22:00", True),
        (FRIDAY_NIGHT, "2026-11-28T03:00", True),  # Saturday morning belongs to Friday night
        (FRIDAY_NIGHT, "2026-11-27T03:00", False),  # Friday morning belongs to Thursday night
        (FRIDAY_NIGHT, "2026-11-28T22:00", False),
        (Hours(start=time(8), end=time(8), zone="UTC"), "2026-11-24T03:00", True),
    ],
)
def test_hours_are_open_by_the_clock_on_the_wall(hours: Hours, moment: str, is_open: bool) -> None:
    assert hours.is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    ("hours", "moment", "opening"),
    [
        (NIGHT, "2026-11-24T12:00", "2026-11-24T19:00"),
        (NIGHT, "2026-11-24T22:00", "2026-11-24T22:00"),
        (OFFICE, "2026-11-27T20:00", "2026-11-30T07:00"),
        (FRIDAY_NIGHT, "2026-11-28T12:00", "2026-12-04T19:00"),
        # clocks go from 02:00 to 03:00 on 29 March: these hours do not come that night
        (Hours(start=time(2, 10), end=time(2, 50), zone=BERLIN), "2026-03-29T00:00", "2026-03-30T00:10"),
    ],
)
def test_the_next_opening_is_found(hours: Hours, moment: str, opening: str) -> None:
    assert hours.next_opening(at(moment)) == at(opening)


TIMES = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
HOURS = st.builds(
    Hours,
    start=TIMES,
    end=TIMES,
    zone=st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


@given(HOURS, MOMENTS)
def test_an_opening_is_not_before_now_and_within_a_fortnight(hours: Hours, now: datetime) -> None:
    opening = hours.next_opening(now)
    assert now <= opening <= now + timedelta(days=15)
    assert (opening == now) == hours.is_open(now)
