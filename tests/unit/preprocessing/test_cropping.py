"""Cropping, padding and focusing by whole elements: every element keeps its place in the source."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import AnatomyNotFound, ManifestInvalid, RuntimeMismatch
from appliance.domain.image import Prepared
from appliance.preprocessing.cropping import body_box, bounding_box, crop, fit, fit_plane, largest_component
from appliance.preprocessing.focusing import focus
from appliance.preprocessing.grid import from_source
from appliance.preprocessing.orientation import orient
from appliance.preprocessing.resampling import to_shape
from tests.helpers.shapes import AXIAL, ORIENTATIONS, Grid, image, stored, volume
from tests.unit.preprocessing.grids import expected_values, flat, in_space, solid, source_index


def test_a_crop_is_a_part_at_its_place() -> None:
    source = in_space((6, 7, 8))
    part = crop(from_source(source), (slice(1, 4), slice(2, 7), slice(3, 5)))
    assert np.array_equal(part.values[0], source.voxels[1:4, 2:7, 3:5])
    assert source_index(part, 0, 0, 0) == pytest.approx([1, 2, 3])
    assert np.allclose(part.values[0], expected_values(part), atol=1e-4)


def test_the_body_is_the_largest_part_and_not_the_table() -> None:
    values = np.full((8, 20, 20), -1000.0)
    values[1:7, 3:12, 4:15] = 0.0
    values[:, 17, :] = 50.0  # a table: brighter, and smaller
    part = body_box(solid(values), above=-200.0)
    assert part.spatial_shape == (6, 9, 11)
    assert source_index(part, 0, 0, 0) == pytest.approx([1, 3, 4])
    with pytest.raises(AnatomyNotFound):
        body_box(solid(values), above=60.0)


@settings(deadline=None, max_examples=60)
@given(st.tuples(*[st.integers(1, 9)] * 3), st.tuples(*[st.integers(1, 9)] * 3), st.sampled_from(["centre", "start"]))
def test_a_fitted_grid_holds_every_element_at_its_place(shape, target, place: str) -> None:
    source = in_space(shape)
    fitted = fit(from_source(source), shape=target, fill=777.0, place=place)
    assert fitted.spatial_shape == target
    for index in np.ndindex(*target):
        place_in_source = tuple(round(i) for i in source_index(fitted, *index))
        inside = all(0 <= i < n for i, n in zip(place_in_source, shape, strict=True))
        assert fitted.values[0][index] == (source.voxels[place_in_source] if inside else 777.0)


@pytest.mark.parametrize(("old", "new", "first"), [(9, 5, 2), (5, 9, -2), (8, 5, 2), (6, 5, 0), (5, 8, -1), (5, 5, 0)])
def test_the_centre_is_kept_to_half_an_element(old: int, new: int, first: int) -> None:
    fitted = fit(flat(np.zeros((old, 3))), shape=(new, 3))
    assert source_index(fitted, 0, 0)[0] == first


def test_a_plane_is_fitted_and_slices_stay() -> None:
    assert fit_plane(solid(np.zeros((4, 9, 3))), size=6).spatial_shape == (4, 6, 6)
    for wrong in ({"shape": (2, 2, 2)}, {"shape": (2, 2), "place": "left"}):
        with pytest.raises(ManifestInvalid):
            fit(flat(np.zeros((3, 3))), **wrong)  # type: ignore[arg-type]


def test_parts_touch_by_faces_or_by_corners_as_asked() -> None:
    mask = np.array([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]], dtype=bool)
    assert largest_component(mask).sum() == 3
    assert largest_component(mask, connectivity=2).sum() == 5
    assert bounding_box(largest_component(mask)) == (slice(1, 3), slice(2, 4))
    assert bounding_box(np.zeros((2, 2), dtype=bool)) is None


def focused(mask: Any, grid: Grid, **options: Any) -> Any:
    source = volume(grid, mask)
    prepared = Prepared(
        image=to_shape(orient(from_source(source), axes="RAS"), shape=(16, 16, 16), method="nearest_exact")
    )
    outputs = {"y": prepared.image.values}
    return focus(source, prepared, outputs, {"output": "y", **options}), source


def test_no_options_mean_no_focus() -> None:
    source = in_space((4, 4, 4))
    assert focus(source, Prepared(image=from_source(source)), {}, {}) is None


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_focus_is_the_same_part_of_the_patient_however_it_was_stored(orientation) -> None:
    grid = Grid((32, 48, 40), AXIAL)
    mask = np.zeros(grid.shape)
    mask[8:20, 6:30, 10:35] = 1.0
    other, values = stored(grid, mask, *orientation)
    part, source = focused(values, other, margin=0.1)
    plain, _ = focused(mask, grid, margin=0.1)
    assert np.array_equal(orient(part, axes="RAS").values, orient(plain, axes="RAS").values)
    assert part.values.sum() == mask.sum()  # all of it is in the box
    index = tuple(int(i) for i in source_index(part, 0, 0, 0))
    assert part.values[0][0, 0, 0] == source.voxels[index]


def test_the_box_grows_by_its_margin_and_stays_inside() -> None:
    grid = Grid((32, 32, 32), AXIAL)
    mask = np.zeros(grid.shape)
    mask[8:24, 8:24, 0:16] = 1.0
    tight, _ = focused(mask, grid)
    wide, _ = focused(mask, grid, margin=0.25)
    assert tight.spatial_shape == (16, 16, 16)
    assert wide.spatial_shape == (24, 24, 20)


def test_a_plane_with_little_in_it_is_no_part_of_the_box() -> None:
    grid = Grid((16, 16, 16), AXIAL)
    mask = np.zeros(grid.shape)
    mask[4:12, 4:12, 4:12] = 1.0
    mask[2:14, 8, 8] = 1.0  # a thread of one element
    assert focused(mask, grid)[0].spatial_shape == (12, 8, 8)
    assert focused(mask, grid, plane_mean=0.02)[0].spatial_shape == (8, 8, 8)


def test_what_is_not_found_or_does_not_fit_is_refused() -> None:
    grid = Grid((8, 8, 8), AXIAL)
    ball = np.zeros(grid.shape)
    with pytest.raises(AnatomyNotFound):
        focused(ball, grid)
    ball[2:6, 2:6, 2:6] = 1.0
    for options, error in (
        ({"output": "z"}, ManifestInvalid),
        ({"chanel": 0}, ManifestInvalid),
        ({"channel": 1}, RuntimeMismatch),
    ):
        with pytest.raises(error):
            focused(ball, grid, **options)
    source = volume(grid, ball)
    with pytest.raises(RuntimeMismatch):
        focus(source, Prepared(image=from_source(source)), {"y": np.zeros((1, 4, 4, 4))}, {"output": "y"})


def test_a_planar_source_is_focused_too() -> None:
    pixels = np.zeros((20, 30))
    pixels[5:15, 10:25] = 1.0
    source = image(pixels)
    prepared = Prepared(image=from_source(source))
    part = focus(source, prepared, {"y": prepared.image.values}, {"output": "y"})
    assert part is not None
    assert part.spatial_shape == (10, 15)
