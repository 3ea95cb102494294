"""Orientation is exact, and a mask comes back from any chain of steps to where it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import ManifestInvalid
from appliance.domain.grids import nearest_in_source
from appliance.domain.model_package import Step
from appliance.preprocessing.grid import from_source
from appliance.preprocessing.orientation import orient
from appliance.preprocessing.preparation import prepare
from tests.helpers.dicom_builder import rotated
from tests.helpers.shapes import AXIAL, GRIDS, ORIENTATIONS, Grid, stored, volume
from tests.unit.preprocessing.grids import expected_values, flat, in_space

AXES = st.permutations(["LR", "AP", "SI"]).flatmap(lambda pairs: st.tuples(*map(st.sampled_from, pairs))).map("".join)
GROWS = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(GRIDS)), AXES)
def test_axes_grow_towards_the_sides_that_are_named(name: str, axes: str) -> None:
    source = in_space((4, 5, 6), GRIDS[name])
    image = orient(from_source(source), axes=axes)
    assert image.to_patient is not None
    for axis, side in enumerate(axes):
        direction = image.to_patient[:3, axis]
        along, sign = GROWS[side]
        assert np.abs(direction).argmax() == along
        assert np.sign(direction[along]) == sign
    assert np.allclose(image.values[0], expected_values(image), atol=1e-4)
    assert sorted(image.values.ravel().tolist()) == sorted(source.voxels.ravel().tolist())


@settings(deadline=None, max_examples=48)
@given(st.sampled_from(ORIENTATIONS), AXES, st.tuples(*[st.floats(-20, 20)] * 3))
def test_the_same_body_gives_the_same_array_however_it_was_stored(orientation, axes: str, angles) -> None:
    grid = Grid((3, 4, 5), rotated(AXIAL, angles))
    values = np.random.default_rng(1).normal(size=grid.shape)
    other, same = stored(grid, values, *orientation)
    one = orient(from_source(volume(grid, values)), axes=axes)
    two = orient(from_source(volume(other, same)), axes=axes)
    assert np.array_equal(one.values, two.values)
    assert one.to_patient is not None
    assert np.allclose(one.to_patient, two.to_patient)


@pytest.mark.parametrize("axes", ["RA", "RAL", "RAX", "ras", "RASS", ""])
def test_axes_that_name_no_frame_are_refused(axes: str) -> None:
    with pytest.raises(ManifestInvalid):
        orient(from_source(in_space((3, 3, 3))), axes=axes)


def test_an_image_has_no_orientation_in_the_patient() -> None:
    with pytest.raises(ManifestInvalid, match="only volumes"):
        orient(flat(np.zeros((3, 3))), axes="RAS")


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_mask_survives_the_way_to_the_network_and_back(orientation) -> None:
    """Turned, cropped to the body, put on a grid three times finer, fitted: the nearest element is the one it was."""
    grid = Grid.around(rotated(AXIAL, (9, -7, 5)), 14)
    ball = grid.ball((3, -2, 1), 8)
    other, mask = stored(grid, ball, *orientation)
    source = volume(other, np.where(mask, 100.0, -1000.0))
    steps = (
        Step(name="orient", options={"axes": "RAS"}),
        Step(name="crop_to_body", options={"above": 0.0}),
        Step(name="resample", options={"spacing": (0.5, 0.5, 2 / 3), "method": "nearest_exact"}),
        Step(name="fit", options={"shape": (55, 57, 41), "fill": -1000.0}),
    )
    prepared = prepare(source, steps, focus=None, notes={})
    back = nearest_in_source(prepared.image.values[0] > 0, prepared.image.to_source, source.voxels.shape)
    assert np.array_equal(back, mask)
