"""Diameters of shapes whose diameters are known, however they are stored."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.findings.extents import axial_axis, axial_extent, maximum_diameter, plane_extent
from tests.helpers.dicom_builder import rotated
from tests.helpers.shapes import GRIDS, ORIENTATIONS, Grid, stored


def test_a_single_element_has_no_extent() -> None:
    mask = np.zeros((3, 4, 5), dtype=bool)
    mask[1, 2, 3] = True
    assert maximum_diameter(mask, np.eye(4)) == 0
    assert axial_extent(mask, np.eye(4)).long_mm == 0
    assert plane_extent(mask[1], (1, 1)).perpendicular_mm == 0


def test_a_line_has_a_length_and_no_width() -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[1:6, 3] = True
    extent = plane_extent(mask, (0.7, 0.2))
    assert extent.long_mm == pytest.approx(4 * 0.7)
    assert extent.perpendicular_mm == pytest.approx(0)


def test_a_rectangle_is_measured_along_its_diagonal_and_across_it() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[2:15, 4:10] = True
    rows, columns = 12 * 0.5, 5 * 0.8
    extent = plane_extent(mask, (0.5, 0.8))
    diagonal = np.hypot(rows, columns)
    assert extent.long_mm == pytest.approx(diagonal)
    assert extent.perpendicular_mm == pytest.approx(2 * rows * columns / diagonal)


def test_holes_and_notches_do_not_shorten_a_diameter() -> None:
    mask = np.zeros((9, 9), dtype=bool)
    mask[[1, 1, 7, 7], [1, 7, 1, 7]] = True
    assert plane_extent(mask, (1, 1)).long_mm == pytest.approx(6 * np.sqrt(2))


def test_of_equally_long_diameters_the_one_with_the_greater_width_counts() -> None:
    mask = np.zeros((7, 7), dtype=bool)
    mask[3, 0:7] = True  # as long as the column, and as wide
    mask[0:7, 6] = True
    turned = [plane_extent(np.rot90(m, k), (1, 1)) for m in (mask, mask[::-1], mask[:, ::-1]) for k in range(4)]
    assert {round(extent.long_mm, 6) for extent in turned} == {round(extent.long_mm, 6) for extent in turned[:1]}
    assert {round(extent.perpendicular_mm, 6) for extent in turned} == {round(turned[0].perpendicular_mm, 6)}


@pytest.mark.parametrize("name", GRIDS)
def test_a_ball_is_as_wide_as_it_is(name: str) -> None:
    grid = Grid.around(GRIDS[name], 26)
    ball = grid.ball((3, -2, 4), 20)
    element = float(np.linalg.norm(np.linalg.norm(grid.affine[:3, :3], axis=0)))
    assert 40 - element <= maximum_diameter(ball, grid.affine) <= 40
    extent = axial_extent(ball, grid.affine)
    assert 40 - 1.2 * element <= extent.perpendicular_mm <= extent.long_mm <= 40


@pytest.mark.parametrize("name", GRIDS)
def test_an_ellipsoid_is_measured_in_the_axial_plane_and_in_space(name: str) -> None:
    grid = Grid.around(GRIDS[name], 40)
    mask = grid.ellipsoid((0, 0, 0), (12, 18, 36))
    element = float(np.linalg.norm(np.linalg.norm(grid.affine[:3, :3], axis=0)))
    assert maximum_diameter(mask, grid.affine) == pytest.approx(72, abs=element)
    if name != "oblique":  # its planes cut the long axis at an angle
        extent = axial_extent(mask, grid.affine)
        assert extent.long_mm == pytest.approx(36, abs=element)
        assert extent.perpendicular_mm == pytest.approx(24, abs=element)


def test_the_axial_axis_is_the_one_along_the_body() -> None:
    assert [axial_axis(GRIDS[name]) for name in ("axial", "reversed", "sagittal", "coronal", "oblique")] == [
        0,
        0,
        1,
        1,
        0,
    ]


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(ORIENTATIONS),
    st.tuples(*[st.floats(0.5, 4)] * 3),
    st.tuples(*[st.floats(-20, 20)] * 3),
)
def test_diameters_do_not_depend_on_how_the_body_is_stored(seed, orientation, spacing, angles) -> None:
    mask = np.random.default_rng(seed).random((4, 5, 6)) < 0.3
    mask[1, 2, 3] = True
    grid = Grid(mask.shape, rotated(GRIDS["axial"] @ np.diag([*spacing, 1.0]), angles))
    other, same = stored(grid, mask, *orientation)
    assert maximum_diameter(same, other.affine) == pytest.approx(maximum_diameter(mask, grid.affine))
    one, two = axial_extent(mask, grid.affine), axial_extent(same, other.affine)
    assert two.long_mm == pytest.approx(one.long_mm)
    assert two.perpendicular_mm == pytest.approx(one.perpendicular_mm, abs=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.9))
def test_the_diameter_in_space_is_the_largest_distance_of_all_pairs(seed: int, density: float) -> None:
    mask = np.random.default_rng(seed).random((4, 4, 5)) < density
    mask[0, 0, 0] = True
    affine = rotated(np.diag([3.0, 1.0, 0.5, 1.0]), (20, 30, 40))
    points = np.argwhere(mask) @ affine[:3, :3].T
    largest = np.linalg.norm(points[:, None] - points[None], axis=-1).max()
    assert maximum_diameter(mask, affine) == pytest.approx(largest)
