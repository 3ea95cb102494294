"""Flags on regions that are cut, that fill their search box, or that are small."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.coding import ABSENT, PRESENT
from appliance.domain.finding import Outcome
from appliance.findings import codes
from appliance.findings.coverage import cut_by_field_of_view, reaches_search_box, small_for_image
from tests.helpers.shapes import GRIDS, ORIENTATIONS, Grid, image, stored, volume


def test_a_region_inside_is_not_cut_and_says_so() -> None:
    grid = Grid.around(GRIDS["axial"], 20)
    ball = grid.ball((0, 0, 0), 12)
    flag = cut_by_field_of_view(ball, volume(grid, ball), 0.05, segment=2, source_index=3)
    assert (flag.concept, flag.value, flag.outcome) == (codes.ANATOMY_COVERAGE_INCOMPLETE, ABSENT, Outcome.NEGATIVE)
    assert (flag.segment, flag.source_index, flag.explanation) == (2, 3, "")


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(sorted(GRIDS)),
    st.sampled_from(ORIENTATIONS),
    st.sampled_from([((20, 0, 0), "L"), ((-20, 0, 0), "R"), ((0, 20, 0), "P"), ((0, -20, 0), "A"), ((0, 0, 20), "H")]),
)
def test_the_cut_side_is_the_patients(name, orientation, place) -> None:
    centre, side = place
    grid = Grid.around(GRIDS[name], 20)
    other, mask = stored(grid, grid.ball(centre, 10), *orientation)
    flag = cut_by_field_of_view(mask, volume(other, mask), 0.3, segment=1)
    assert (flag.value, flag.outcome, flag.explanation) == (PRESENT, Outcome.LIMITED, side)


def test_several_cuts_are_named_together() -> None:
    mask = np.ones((4, 5, 6), dtype=bool)
    grid = Grid(mask.shape, GRIDS["axial"])
    assert cut_by_field_of_view(mask, volume(grid, mask), 0.05, segment=1).explanation == "A, F, H, L, P, R"
    plane = np.ones((5, 6), dtype=bool)
    assert cut_by_field_of_view(plane, image(plane), 0.05, segment=1).explanation == "F, H, L, R"
    unknown = cut_by_field_of_view(plane, image(plane, patient_orientation=None), 0.05, segment=1)
    assert (unknown.value, unknown.explanation) == (PRESENT, "")


@pytest.mark.parametrize(("touching", "value"), [(1, ABSENT), (2, PRESENT)])
def test_a_cut_begins_at_the_share_that_the_manifest_says(touching: int, value) -> None:
    mask = np.zeros((10, 20), dtype=bool)
    mask[4, 3:13] = True  # the largest section: 10 columns
    mask[0, 3 : 3 + touching] = True
    assert cut_by_field_of_view(mask, image(mask), 0.2, segment=1).value == value


@pytest.mark.parametrize(
    ("rows", "columns", "value"),
    [
        (slice(30, 60), slice(30, 60), ABSENT),
        (slice(30, 60), slice(20, 60), PRESENT),  # along the left side of the box
        (slice(30, 60), slice(30, 90), PRESENT),
        (slice(20, 60), slice(30, 60), PRESENT),
        (slice(30, 90), slice(30, 60), PRESENT),
        (slice(30, 40), slice(20, 60), ABSENT),  # touches a sixth of that side
    ],
)
def test_a_region_along_a_side_of_its_search_box_is_flagged(rows, columns, value) -> None:
    mask = np.zeros((100, 100), dtype=bool)
    mask[rows, columns] = True
    flag = reaches_search_box(mask, (0.2, 0.2, 0.8, 0.8), segment=1)
    assert (flag.concept, flag.value) == (codes.PROMPT_EXCEEDED, value)


def test_a_box_at_the_border_of_the_image_is_no_error() -> None:
    mask = np.zeros((10, 10), dtype=bool)
    mask[0:5, 0:5] = True
    assert reaches_search_box(mask, (0.0, 0.0, 1.0, 1.0), segment=1).value == PRESENT


@pytest.mark.parametrize(("least", "value"), [(0.25, ABSENT), (0.26, PRESENT)])
def test_a_region_below_its_least_share_is_small(least: float, value) -> None:
    mask = np.zeros((8, 8), dtype=bool)
    mask[:4, :4] = True
    flag = small_for_image(mask, least, segment=5)
    assert (flag.concept, flag.value, flag.segment) == (codes.SMALL_FOR_IMAGE, value, 5)
