"""Parts and holes of masks, against a search that visits one element after the other."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.findings.regions import bounding_box, fill_holes, largest_component

SHAPES = st.sampled_from([(6, 7), (4, 5, 6)])


def neighbours(index: tuple[int, ...], shape: tuple[int, ...], faces_only: bool):
    for step in itertools.product((-1, 0, 1), repeat=len(shape)):
        if any(step) and (not faces_only or sum(map(abs, step)) == 1):
            other = tuple(i + s for i, s in zip(index, step, strict=True))
            if all(0 <= i < n for i, n in zip(other, shape, strict=True)):
                yield other


def reached(mask: np.ndarray, start: tuple[int, ...], faces_only: bool) -> set[tuple[int, ...]]:
    seen, waiting = {start}, [start]
    while waiting:
        for other in neighbours(waiting.pop(), mask.shape, faces_only):
            if mask[other] and other not in seen:
                seen.add(other)
                waiting.append(other)
    return seen


def drawn(seed: int, shape: tuple[int, ...], density: float) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < density


@given(st.integers(0, 2**32 - 1), SHAPES, st.floats(0.02, 0.6))
def test_the_largest_part_is_kept_and_nothing_else(seed, shape, density) -> None:
    mask = drawn(seed, shape, density)
    parts, left = [], {tuple(index) for index in np.argwhere(mask).tolist()}
    while left:
        part = reached(mask, min(left), faces_only=False)
        parts.append(part)
        left -= part
    kept = {tuple(index) for index in np.argwhere(largest_component(mask)).tolist()}
    assert kept == (max(parts, key=len) if parts else set())  # max gives the first of equals


@given(st.integers(0, 2**32 - 1), SHAPES, st.floats(0.3, 0.95))
def test_what_cannot_be_reached_from_outside_is_filled(seed, shape, density) -> None:
    mask = drawn(seed, shape, density)
    around = np.pad(~mask, 1, constant_values=True)
    outside = reached(around, (0,) * mask.ndim, faces_only=True)
    expected = np.array([tuple(i + 1 for i in index) not in outside for index in np.ndindex(*shape)]).reshape(shape)
    before = mask.copy()
    assert np.array_equal(fill_holes(mask), expected)
    assert np.array_equal(mask, before)


def test_a_hole_with_a_way_out_by_a_face_stays_open() -> None:
    mask = np.ones((5, 5, 5), dtype=bool)
    mask[2, 2, 2] = False
    assert fill_holes(mask).all()
    mask[2, 2, 0:3] = False
    assert not fill_holes(mask)[2, 2, 2]


@given(st.integers(0, 2**32 - 1), SHAPES, st.floats(0.0, 0.3))
def test_the_box_holds_all_and_touches_all_six_sides(seed, shape, density) -> None:
    mask = drawn(seed, shape, density)
    box = bounding_box(mask)
    if box is None:
        assert not mask.any()
        return
    assert mask[box].sum() == mask.sum()
    for axis, side in itertools.product(range(mask.ndim), (0, -1)):
        assert np.take(mask[box], side, axis).any()


@pytest.mark.parametrize("function", [largest_component, fill_holes])
def test_an_empty_mask_stays_empty(function) -> None:
    assert not function(np.zeros((3, 4, 5), dtype=bool)).any()
