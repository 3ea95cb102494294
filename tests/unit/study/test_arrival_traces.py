"""Recorded arrivals, and any others: whatever the interleaving, what stands in the end covers everything."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.study.arrival import Arrival, Rhythms
from appliance.study.quiet_time import QuietTime
from benchmarks.arrival_traces import (
    START,
    Trace,
    adaptive,
    learned,
    premature,
    recorded,
    replay,
    synthesised,
    wait_after_last,
)

RECORDED = recorded()
QUIET = QuietTime()
STABLE = timedelta(seconds=10)


def test_all_kinds_of_arrival_were_recorded() -> None:
    assert {trace.name for trace in RECORDED} == {
        "one-association",
        "four-parallel",
        "slow-modality",
        "series-with-pauses",
        "interrupted-and-resumed",
        "repeated",
    }


@pytest.mark.parametrize("trace", RECORDED, ids=lambda trace: trace.name)
def test_the_last_start_covers_everything(trace: Trace) -> None:
    starts = replay(trace, adaptive({}))
    assert starts[-1].instances == len(trace.arrivals)
    assert timedelta(0) <= wait_after_last(trace, starts) <= QUIET.maximum


@pytest.mark.parametrize("name", ["one-association", "four-parallel", "slow-modality"])
def test_a_transfer_without_a_break_starts_once(name: str) -> None:
    trace = next(trace for trace in RECORDED if trace.name == name)
    assert premature(replay(trace, adaptive({}))) == 0
    assert premature(replay(trace, adaptive(learned({}, trace)))) == 0


def test_an_interruption_starts_early_and_again_with_the_rest() -> None:
    trace = next(trace for trace in RECORDED if trace.name == "interrupted-and-resumed")
    starts = replay(trace, adaptive({}))
    assert [start.instances for start in starts] == [60, 120]


@given(
    source=st.sampled_from(RECORDED),
    order=st.randoms(use_true_random=False),
    gaps=st.lists(st.floats(0, 200), min_size=1, max_size=30),
    expected=st.none() | st.integers(1, 200),
    taught=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_interleaving_the_final_plan_covers_all_instances(
    source: Trace, order: object, gaps: list[float], expected: int | None, taught: bool
) -> None:
    """Any order of the objects, any gaps, a header that counts rightly, wrongly or not, with and without a memory."""
    objects = list(source.arrivals)
    order.shuffle(objects)  # type: ignore[attr-defined]
    objects = objects[: len(gaps) + 1]
    at = START
    arrivals = []
    for item, gap in zip(objects, [0.0, *gaps], strict=False):
        at += timedelta(seconds=gap)
        attributes = dict(item.instance.attributes)
        if expected:
            attributes["NumberOfSeriesRelatedInstances"] = expected
        instance = type(item.instance)(
            sop_instance_uid=item.instance.sop_instance_uid,
            sop_class_uid=item.instance.sop_class_uid,
            transfer_syntax_uid=item.instance.transfer_syntax_uid,
            attributes=attributes,
        )
        arrivals.append(Arrival(instance, at, item.calling_aet))
    trace = Trace("any", "any", tuple(arrivals))
    rhythms: Rhythms = learned({}, source) if taught else {}
    starts = replay(trace, adaptive(rhythms), STABLE)
    assert starts[-1].instances == len(arrivals)
    assert [start.at for start in starts] == sorted(start.at for start in starts)
    assert timedelta(0) <= wait_after_last(trace, starts) <= STABLE


def test_the_same_seed_makes_the_same_traces() -> None:
    first, second = (synthesised(RECORDED, 14, seed=5) for _ in range(2))
    assert [t.arrivals for t in first] == [t.arrivals for t in second]
    assert len({trace.kind for trace in first}) == 7
