"""Inversion for networks only, padding that is no image, colour."""

import numpy as np
import pytest

from appliance.domain.errors import ManifestInvalid
from appliance.preprocessing.features import features
from appliance.preprocessing.grid import from_source
from appliance.preprocessing.pixel_values import fill_padding, invert_monochrome1, to_grey, to_rgb
from appliance.preprocessing.resampling import to_shape
from tests.helpers.shapes import AXIAL, Grid, image, volume
from tests.unit.preprocessing.grids import flat, solid

RAMP = np.arange(12.0).reshape(3, 4)


def test_monochrome1_is_turned_and_nothing_else() -> None:
    low_is_bright = image(RAMP + 3, photometric_interpretation="MONOCHROME1")
    turned = invert_monochrome1(from_source(low_is_bright), low_is_bright)
    assert np.array_equal(turned.values[0], (RAMP + 3)[::-1, ::-1])
    assert np.array_equal(low_is_bright.pixels, RAMP + 3)  # the source, and so every measurement, is as stored
    plain = image(RAMP)
    assert invert_monochrome1(from_source(plain), plain).values[0].tolist() == RAMP.tolist()
    grid = Grid((2, 2, 2), AXIAL)
    ct = volume(grid, np.arange(8.0).reshape(2, 2, 2))
    assert np.array_equal(invert_monochrome1(from_source(ct), ct).values[0], ct.voxels)


def test_padding_takes_the_smallest_value_of_the_image_or_a_number() -> None:
    padding = np.zeros((3, 4), dtype=bool)
    padding[:, 0] = True
    pixels = RAMP.copy()
    pixels[padding] = -2000
    source = image(pixels, padding=padding)
    assert fill_padding(from_source(source), source).values[0][:, 0].tolist() == [1, 1, 1]
    assert fill_padding(from_source(source), source, value=9.0).values[0][:, 0].tolist() == [9, 9, 9]
    assert np.array_equal(source.pixels, pixels)
    with pytest.raises(ManifestInvalid):
        fill_padding(from_source(source), source, value="mean")


def test_padding_is_found_on_a_grid_that_was_resampled() -> None:
    padding = np.zeros((4, 6), dtype=bool)
    padding[:, :2] = True
    source = image(np.where(padding, -2000.0, 10.0), padding=padding)
    finer = to_shape(from_source(source), shape=(8, 12), method="nearest_exact")
    assert np.all(fill_padding(finer, source).values == 10)


@pytest.mark.parametrize("padding", [None, np.zeros((3, 4), dtype=bool), np.ones((3, 4), dtype=bool)])
def test_without_padding_or_with_nothing_else_the_image_stays(padding) -> None:
    source = image(RAMP, padding=padding)
    assert np.array_equal(fill_padding(from_source(source), source).values[0], RAMP)


def test_colour_becomes_luminance_and_grey_becomes_colour() -> None:
    colour = image(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], dtype=np.uint8))
    grey = to_grey(from_source(colour)).values
    assert grey.shape == (1, 1, 4)
    assert np.allclose(grey.ravel(), [76.245, 149.685, 29.07, 255.0], atol=1e-3)  # ITU-R BT.601
    assert to_grey(flat(RAMP)).values.shape == (1, 3, 4)
    three = to_rgb(flat(RAMP))
    assert three.values.shape == (3, 3, 4)
    assert all(np.array_equal(channel, RAMP) for channel in three.values)
    assert to_rgb(three) is three
    two = type(three)(values=np.zeros((2, 3, 4)), to_source=np.eye(3), source_shape=(3, 4))
    for step in (to_grey, to_rgb):
        with pytest.raises(ManifestInvalid):
            step(two)


def test_features_are_plain_statistics_in_their_order() -> None:
    values = np.random.default_rng(2).normal(size=(3, 4, 5)).astype(np.float32)
    found = features(solid(values), names=("max", "mean", "std", "min"))
    assert found.values == pytest.approx([values.max(), values.mean(), values.std(), values.min()], abs=1e-6)
    assert found.spatial_shape == ()
    for names in ((), ("median",)):
        with pytest.raises(ManifestInvalid):
            features(solid(values), names=names)
