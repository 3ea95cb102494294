"""When a study counts as complete, and what is no input at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from appliance.domain.dicom_result import MANUFACTURER, MODEL_NAME
from appliance.domain.study import Instance
from appliance.study.arrival import (
    Arrival,
    Complete,
    Decision,
    Rhythms,
    Sender,
    WaitUntil,
    decide,
    is_input,
    is_own_output,
    observed_gaps,
)
from appliance.study.headers import instance_of
from appliance.study.quiet_time import NO_GAPS, QuietTime
from tests.helpers.dicom_builder import blob_phantom, ct_series, enhanced, mr_series, projection

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUIET = QuietTime()
SLICES = ct_series(blob_phantom((20, 8, 9)))
FAST = timedelta(seconds=0.01)


def arriving(items: list[Any], every: timedelta = FAST, start: datetime = NOON, aet: str = "CT1") -> list[Arrival]:
    return [Arrival(instance_of(item), start + index * every, aet) for index, item in enumerate(items)]


def last(arrivals: list[Arrival]) -> datetime:
    return max(arrival.at for arrival in arrivals)


def decided(arrivals: list[Arrival], after_s: float = 0.0, rhythms: Rhythms | None = None) -> Decision:
    return decide(arrivals, last(arrivals) + timedelta(seconds=after_s), QUIET, rhythms)


def wait_s(arrivals: list[Arrival], rhythms: Rhythms | None = None) -> float:
    """How long after the last arrival nothing must come."""
    decision = decided(arrivals, rhythms=rhythms)
    return (decision.at - last(arrivals)).total_seconds() if isinstance(decision, WaitUntil) else 0.0


def test_what_the_header_counts_is_complete_at_once() -> None:
    counted = ct_series(blob_phantom((20, 8, 9)), NumberOfSeriesRelatedInstances=20)
    assert decided(arriving(counted)) == Complete("all images that the header counts")


def test_what_the_header_still_expects_is_waited_for_with_patience() -> None:
    counted = arriving(ct_series(blob_phantom((20, 8, 9)), NumberOfSeriesRelatedInstances=21))
    assert wait_s(counted) == 60
    assert isinstance(decided(counted, 60), Complete)


def test_a_fast_gapless_stack_waits_for_the_minimum() -> None:
    assert wait_s(arriving(SLICES)) == 0.5
    assert decided(arriving(SLICES), 0.5) == Complete("a gapless stack and silence")


def test_a_slow_one_waits_in_proportion() -> None:
    assert wait_s(arriving(SLICES, timedelta(seconds=1))) == pytest.approx(3)


def test_a_stack_with_a_gap_waits_for_the_maximum() -> None:
    assert wait_s(arriving(SLICES[:5] + SLICES[6:])) == 5


def test_the_first_slices_of_an_unknown_sender_prove_nothing() -> None:
    assert wait_s(arriving(SLICES[:1])) == 5
    assert wait_s(arriving(SLICES[:4])) == 5


def test_a_sender_that_is_known_is_judged_by_its_rhythm_and_by_no_other_s() -> None:
    fast = {Sender("CT1", "CT"): NO_GAPS.with_these([FAST] * 100)}
    assert wait_s(arriving(SLICES[:4]), fast) == 0.5
    assert wait_s(arriving(SLICES[:4], aet="CT2"), fast) == 5
    slow = {Sender("CT1", "CT"): NO_GAPS.with_these([timedelta(seconds=1)] * 100)}
    assert wait_s(arriving(SLICES[:4]), slow) > 3


def test_an_enhanced_object_is_complete_at_once_and_a_radiograph_after_the_minimum() -> None:
    assert isinstance(decided(arriving([enhanced(blob_phantom())])), Complete)
    assert wait_s(arriving([projection(np.zeros((8, 9), np.uint16))])) == 0.5


def test_a_study_is_complete_when_its_last_series_is() -> None:
    first, second = arriving(SLICES), arriving(mr_series(blob_phantom((20, 8, 9))), start=NOON + timedelta(seconds=3))
    assert decide(first + second[:3], last(first) + timedelta(seconds=4), QUIET) == WaitUntil(
        second[2].at + timedelta(seconds=5), "a gapless stack and silence"
    )
    assert isinstance(decided(first + second, 0.5), Complete)


def test_the_order_of_telling_does_not_matter() -> None:
    assert decided(arriving(SLICES)) == decided(list(reversed(arriving(SLICES))))


def test_nothing_is_complete() -> None:
    assert decide([], NOON, QUIET) == Complete("no images")


def test_gaps_are_observed_within_series_by_sender_and_since_the_last_time() -> None:
    first = arriving(SLICES[:3])
    second = arriving(mr_series(blob_phantom((2, 8, 9))), timedelta(seconds=1), aet="MR1")
    assert observed_gaps(first + second, None) == {
        Sender("CT1", "CT"): [FAST, FAST],
        Sender("MR1", "MR"): [timedelta(seconds=1)],
    }
    assert observed_gaps(first, first[1].at) == {Sender("CT1", "CT"): [FAST]}


@pytest.mark.parametrize(
    ("sop_class", "expected"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", True),
        ("1.2.840.10008.5.1.4.1.1.4.1", True),
        ("1.2.840.10008.5.1.4.1.1.88.34", False),
        ("1.2.840.10008.5.1.4.1.1.88.59", False),
        ("1.2.840.10008.5.1.4.1.1.66.4", False),
        ("1.2.840.10008.5.1.4.1.1.11.1", False),
        ("1.2.840.10008.5.1.4.1.1.104.1", False),
        ("1.2.840.10008.5.1.4.1.1.481.3", False),
    ],
)
def test_only_images_are_input(sop_class: str, expected: bool) -> None:
    assert is_input(Instance(sop_instance_uid="1.2", sop_class_uid=sop_class, transfer_syntax_uid="")) is expected  # type: ignore[arg-type]


def test_our_own_output_is_none_even_if_it_is_an_image() -> None:
    attributes = {"Manufacturer": MANUFACTURER, "ManufacturerModelName": MODEL_NAME}
    own = Instance(
        sop_instance_uid="1.2",  # type: ignore[arg-type]
        sop_class_uid="1.2.840.10008.5.1.4.1.1.7",
        transfer_syntax_uid="",
        attributes=attributes,
    )
    assert is_own_output(own)
    assert not is_input(own)
