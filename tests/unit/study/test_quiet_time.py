"""Silence is judged against what the sender does, and by nothing while that is not known."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.study.quiet_time import ENOUGH, NO_GAPS, REMEMBERED, Gaps, QuietTime, gaps_between, silence

QUIET = QuietTime()


def seconds(*values: float) -> list[timedelta]:
    return [timedelta(seconds=value) for value in values]


def wait(own: list[timedelta], learned: Gaps = NO_GAPS) -> float:
    return silence(own, learned, QUIET).total_seconds()


def test_nothing_is_concluded_from_too_little() -> None:
    assert wait([]) == 5
    assert wait(seconds(*[0.01] * (ENOUGH - 1))) == 5
    assert wait(seconds(*[0.01] * ENOUGH)) == 0.5


def test_what_is_learned_and_what_is_seen_count_together() -> None:
    assert wait(seconds(0.01), NO_GAPS.with_these(seconds(*[0.01] * (ENOUGH - 1)))) == 0.5


@pytest.mark.parametrize(("gap", "expected"), [(0.01, 0.5), (0.5, 1.5), (1.0, 3.0), (10.0, 5.0)])
def test_silence_is_long_against_the_usual_gap_and_bounded(gap: float, expected: float) -> None:
    assert wait(seconds(*[gap] * 20)) == pytest.approx(expected)


def test_a_sender_that_was_slow_before_is_given_time_from_the_first_image_on() -> None:
    slow = NO_GAPS.with_these(seconds(*[1.0] * 100))
    assert 3.0 <= wait([], slow) <= 4.5


def test_a_rare_pause_does_not_slow_everybody_down() -> None:
    assert wait([], NO_GAPS.with_these(seconds(*[0.01] * 200, 60.0))) == 0.5


def test_a_quantile_is_never_below_what_was_seen() -> None:
    gaps = NO_GAPS.with_these(seconds(0.03, 0.3, 3.0))
    assert [gaps.quantile(share).total_seconds() >= value for share, value in ((0.3, 0.03), (0.6, 0.3), (1, 3.0))] == [
        True
    ] * 3
    assert NO_GAPS.quantile(0.99) == timedelta(0)


def test_a_modality_that_was_replaced_is_forgotten() -> None:
    gaps = NO_GAPS.with_these(seconds(*[2.0] * REMEMBERED))
    assert wait([], gaps) == 5
    assert wait([], gaps.with_these(seconds(*[0.01] * 12 * REMEMBERED))) == 0.5
    assert gaps.with_these(seconds(*[0.01] * 5 * REMEMBERED)).total <= REMEMBERED


def test_gaps_do_not_depend_on_the_order_of_telling() -> None:
    start = datetime(2026, 11, 23, tzinfo=UTC)
    moments = [start + offset for offset in seconds(3, 0, 1)]
    assert gaps_between(moments) == seconds(1, 2)


@given(st.lists(st.floats(0, 1e5), max_size=60), st.lists(st.floats(0, 1e5), max_size=60))
def test_silence_stays_within_its_bounds(own: list[float], learned: list[float]) -> None:
    found = silence(seconds(*own), NO_GAPS.with_these(seconds(*learned)), QUIET)
    assert QUIET.minimum <= found <= QUIET.maximum
