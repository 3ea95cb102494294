"""Left is the patient's left, whatever the array."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.coding import LEFT, RIGHT
from appliance.findings.directions import OPPOSITE, axis_direction, sides
from tests.helpers.dicom_builder import rotated
from tests.helpers.shapes import AXIAL, GRIDS, ORIENTATIONS, Grid, image, stored, volume

BLANK = np.zeros((8, 10))


@pytest.mark.parametrize(
    ("name", "directions"),
    [("axial", "HPL"), ("reversed", "FPL"), ("sagittal", "LFP"), ("coronal", "PFL"), ("oblique", "HPL")],
)
def test_the_axes_of_a_volume_have_directions(name: str, directions: str) -> None:
    grid = Grid.around(GRIDS[name], 5)
    source = volume(grid, np.zeros(grid.shape))
    assert "".join(axis_direction(source, axis) or "?" for axis in range(3)) == directions


@pytest.mark.parametrize(
    ("orientation", "row", "column"),
    [
        (("L", "F"), "F", "L"),
        (("R", "H"), "H", "R"),
        (("A", "F"), "F", "A"),
        (("PL", "FA"), "F", "P"),
        (("l", "f"), "F", "L"),
        (("", "F"), "F", None),
        (("X", "?"), None, None),
        (None, None, None),
    ],
)
def test_the_axes_of_an_image_have_the_directions_of_its_header(orientation, row, column) -> None:
    source = image(BLANK, patient_orientation=orientation)
    assert (axis_direction(source, 0), axis_direction(source, 1)) == (row, column)


def test_opposites_are_mutual() -> None:
    assert all(OPPOSITE[OPPOSITE[letter]] == letter != OPPOSITE[letter] for letter in "LRAPHF")


@settings(deadline=None, max_examples=48)
@given(st.sampled_from(ORIENTATIONS), st.tuples(*[st.floats(-20, 20)] * 3), st.booleans())
def test_sides_follow_the_patient_and_never_the_index(orientation, angles, swapped) -> None:
    grid = Grid.around(rotated(AXIAL, angles), 40)
    towards_left, towards_right = grid.ball((22, 3, -4), 9), grid.ball((-20, -5, 6), 9)
    other, left = stored(grid, towards_left, *orientation)
    _, right = stored(grid, towards_right, *orientation)
    source = volume(other, left)
    masks, expected = ([right, left], (RIGHT, LEFT)) if swapped else ([left, right], (LEFT, RIGHT))
    assert sides(masks, source) == expected


def test_both_may_lie_on_one_side_of_the_table() -> None:
    grid = Grid((20, 60, 60), AXIAL)
    masks = [np.zeros(grid.shape, dtype=bool) for _ in range(2)]
    masks[0][5:9, 20:30, 40:50], masks[1][5:9, 20:30, 5:15] = True, True
    assert sides(masks, volume(grid, masks[0])) == (LEFT, RIGHT)


def test_one_region_alone_in_a_volume_has_no_sure_side() -> None:
    grid = Grid.around(AXIAL, 30)
    assert sides([grid.ball((15, 0, 0), 8)], volume(grid, np.zeros(grid.shape))) == (None,)


def part(columns: slice, rows: slice = slice(2, 6), shape: tuple[int, int] = (8, 40)) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[rows, columns] = True
    return mask


@pytest.mark.parametrize(
    ("orientation", "turn", "mirrored"),
    [
        (("L", "F"), 0, False),
        (("R", "F"), 0, True),
        (("R", "H"), 2, False),
        (("F", "R"), 1, False),
        (("H", "L"), 3, False),
    ],
)
def test_a_turned_or_mirrored_x_ray_shows_the_same_sides(orientation, turn, mirrored) -> None:
    left, right = part(slice(28, 36)), part(slice(4, 12))
    if mirrored:
        left, right = left[:, ::-1], right[:, ::-1]
    left, right = np.rot90(left, turn), np.rot90(right, turn)
    source = image(left, patient_orientation=orientation)
    assert sides([left, right], source) == (LEFT, RIGHT)
    assert sides([right, left], source) == (RIGHT, LEFT)
    assert sides([left], source) == (LEFT,)
    assert sides([right], source) == (RIGHT,)


def test_a_region_at_the_midline_has_no_side() -> None:
    middle = part(slice(17, 24))
    assert sides([middle], image(middle)) == (None,)
    assert sides([middle, middle], image(middle)) == (None, None)


@pytest.mark.parametrize("orientation", [None, ("A", "F"), ("", "")])
def test_without_a_lateral_direction_there_is_no_side(orientation) -> None:
    masks = [part(slice(4, 12)), part(slice(28, 36))]
    assert sides(masks, image(masks[0], patient_orientation=orientation)) == (None, None)


def test_three_regions_have_no_sides() -> None:
    masks = [part(slice(i, i + 4)) for i in (2, 15, 30)]
    assert sides(masks, image(masks[0])) == (None, None, None)
    assert sides([], image(BLANK)) == ()
