"""Values come back to the source grid at the right place, whatever the orientation."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import grids
from appliance.domain.grids import linear_in_source, nearest_in_source


def _reference(values: np.ndarray, to_source: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """One index at a time, as the docstring says it."""
    restored = np.zeros(shape, values.dtype)
    inverse = np.linalg.inv(to_source)
    for index in np.ndindex(*shape):
        grid = np.floor((inverse @ [*index, 1.0])[:-1] + 0.5 + 1e-6).astype(int)
        if all(0 <= g < n for g, n in zip(grid, values.shape, strict=True)):
            restored[index] = values[tuple(grid)]
    return restored


@given(
    st.permutations(range(3)),
    st.tuples(*[st.sampled_from([1.0, -1.0])] * 3),
    st.tuples(*[st.floats(0.4, 2.5)] * 3),
    st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_nearest_agrees_with_the_definition_for_any_axis_order(order, signs, scales, offset) -> None:
    values = np.arange(4 * 5 * 3).reshape(4, 5, 3)
    to_source = np.eye(4)
    to_source[:3, :3] = np.eye(3)[list(order)] * np.array(signs) * np.array(scales)
    to_source[:3, 3] = np.array(offset) + [2 if sign > 0 else 6 for sign in signs]
    shape = (6, 7, 5)
    assert np.array_equal(nearest_in_source(values, to_source, shape), _reference(values, to_source, shape))


def test_nearest_agrees_with_the_definition_for_an_oblique_grid() -> None:
    angle = np.deg2rad(30)
    to_source = np.eye(4)
    to_source[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    to_source[:3, 3] = [2.2, 0.3, 1.1]
    values = np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)
    assert np.array_equal(nearest_in_source(values, to_source, (8, 7, 5)), _reference(values, to_source, (8, 7, 5)))


def test_slabs_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    to_source = np.diag([1.5, 0.7, 1.0, 1.0])
    values = np.arange(60).reshape(4, 5, 3)
    whole = nearest_in_source(values, to_source, (6, 4, 3)), linear_in_source(values, to_source, (6, 4, 3))
    monkeypatch.setattr(grids, "SLAB_VOXELS", 1)
    assert np.array_equal(nearest_in_source(values, to_source, (6, 4, 3)), whole[0])
    assert np.array_equal(linear_in_source(values, to_source, (6, 4, 3)), whole[1])


def test_outside_the_grid_is_filled() -> None:
    to_source = np.array([[1.0, 0, 2], [0, 1, 2], [0, 0, 1]])
    restored = nearest_in_source(np.ones((2, 2)), to_source, (6, 6), fill=-7)
    assert (restored == 1).sum() == 4
    assert restored[2, 2] == 1
    assert restored[1, 2] == restored[4, 3] == -7


def test_linear_reproduces_a_linear_function_inside_the_grid() -> None:
    to_source = np.array([[2.0, 0, 0.5], [0, 4.0, 1.5], [0, 0, 1]])
    rows, columns = np.mgrid[0:5, 0:4]
    restored = linear_in_source((3.0 * rows - columns).astype(np.float32), to_source, (10, 16))
    for row, column in itertools.product(range(1, 8), range(2, 13)):
        assert restored[row, column] == pytest.approx(3.0 * (row - 0.5) / 2 - (column - 1.5) / 4, abs=1e-5)
    assert restored[0, 0] == pytest.approx(0.0)  # within half an element of the border, the border's value
