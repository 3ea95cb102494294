"""The fast median is the median."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from appliance.preprocessing import median_filter
from appliance.preprocessing.median_filter import median_of_cubes, network

SHAPES = st.tuples(*[st.integers(1, 9)] * 3)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), SHAPES, st.sampled_from([1, 2, 3, 1000]))
def test_it_equals_the_median_of_scipy_to_the_last_bit(seed: int, shape, levels: int) -> None:
    values = np.random.default_rng(seed).integers(-levels, levels, shape).astype(np.float32) / 7
    assert np.array_equal(median_of_cubes(values), ndimage.median_filter(values, size=3, mode="nearest"))


def test_every_order_of_zeros_and_ones_is_decided_right() -> None:
    """What sorts all zeros and ones, sorts all (0-1 principle): every count of ones, in many places."""
    generator = np.random.default_rng(3)
    for ones in range(28):
        for _ in range(40):
            cube = np.zeros(27, dtype=np.float32)
            cube[generator.permutation(27)[:ones]] = 1
            assert median_of_cubes(cube.reshape(3, 3, 3))[1, 1, 1] == (ones >= 14)


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=(7, 11, 13)).astype(np.float32)
    whole = median_of_cubes(values)
    monkeypatch.setattr(median_filter, "BLOCK", 37)
    assert np.array_equal(median_of_cubes(values), whole)
    assert whole.flags.c_contiguous
    assert whole.dtype == np.float32


def test_the_source_is_left_alone_in_any_memory_order() -> None:
    values = np.asfortranarray(np.random.default_rng(2).normal(size=(5, 6, 7)).astype(np.float32))
    before = values.copy()
    assert np.array_equal(median_of_cubes(values), ndimage.median_filter(before, size=3, mode="nearest"))
    assert np.array_equal(values, before)


def test_the_network_does_no_more_than_it_must() -> None:
    comparisons, answer = network()
    assert sum(c.smaller + c.larger for c in comparisons) < 150
    assert all(c.smaller or c.larger for c in comparisons)
    assert answer in (comparisons[-1].low, comparisons[-1].high)
