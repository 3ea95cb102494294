"""Resampling against ramps, whose values are known everywhere, and against scipy and OpenCV."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from appliance.domain.errors import InputTooLarge, ManifestInvalid
from appliance.preprocessing import resampling
from appliance.preprocessing.grid import from_source, spacing_mm
from appliance.preprocessing.resampling import longest_side, median, shorter_side, to_shape, to_spacing
from tests.helpers.shapes import GRIDS
from tests.unit.preprocessing.grids import expected_values, flat, in_space, solid, source_index


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("spacing", [(0.6, 0.7, 0.8), (3.1, 2.3, 2.9), (2.0, 1.5, 1.5)])
def test_a_ramp_in_the_patient_stays_that_ramp(name: str, spacing) -> None:
    image = to_spacing(from_source(in_space((14, 15, 16), GRIDS[name])), spacing=spacing)
    assert spacing_mm(image) == pytest.approx(spacing)
    at_source = np.moveaxis(np.indices(image.spatial_shape), 0, -1) @ image.to_source[:3, :3].T + image.to_source[:3, 3]
    between_centres = np.all((at_source >= 0) & (at_source <= [13, 14, 15]), axis=-1)
    assert between_centres.sum() > 50
    assert np.allclose(image.values[0][between_centres], expected_values(image)[between_centres], atol=1e-3)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 30)] * 2), st.tuples(*[st.integers(1, 30)] * 2))
def test_antialiased_resizing_is_that_of_pillow(seed: int, shape, target) -> None:
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    image = to_shape(flat(values), shape=target, method="linear_antialias")
    expected = Image.fromarray(values).resize(target[::-1], Image.Resampling.BILINEAR)
    assert np.allclose(image.values[0], np.asarray(expected), atol=1e-4)


def test_a_shape_keeps_the_outer_borders() -> None:
    image = to_shape(flat(np.arange(12.0).reshape(3, 4)), shape=(6, 2), method="linear")
    for corner, border in (((-0.5, -0.5), (-0.5, -0.5)), ((5.5, 1.5), (2.5, 3.5))):
        assert source_index(image, *corner) == pytest.approx(border)


def test_a_spacing_keeps_the_centre() -> None:
    source = solid(np.zeros((11, 10, 9)))
    image = to_spacing(source, spacing=(0.7, 4.0, 1.1))
    centre = [(n - 1) / 2 for n in image.spatial_shape]
    assert source_index(image, *centre) == pytest.approx([5, 4.5, 4])
    assert image.spatial_shape == (31, 4, 12)  # 22, 15 and 13.5 mm by the spacing, rounded
    assert image.to_patient is not None
    assert source.to_patient is not None
    assert np.allclose(image.to_patient, source.to_patient @ image.to_source)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 12)] * 3), st.tuples(*[st.integers(1, 12)] * 3))
def test_linear_equals_the_interpolation_of_scipy(seed: int, shape, target) -> None:
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    image = to_shape(solid(values), shape=target, method="linear")
    index = np.meshgrid(
        *[(np.arange(m) + 0.5) * n / m - 0.5 for n, m in zip(shape, target, strict=True)], indexing="ij"
    )
    expected = ndimage.map_coordinates(values.astype(np.float64), index, order=1, mode="nearest")
    assert np.allclose(image.values[0], expected, atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 40)] * 2), st.tuples(*[st.integers(1, 40)] * 2))
def test_nearest_takes_the_element_that_torch_calls_nearest_exact(seed: int, shape, target) -> None:
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    image = to_shape(flat(values), shape=target, method="nearest_exact")
    rows, columns = (
        [((2 * i + 1) * n) // (2 * m) for i in range(m)] for n, m in zip(shape, target, strict=True)
    )  # floor((i + 0.5) * n / m) in whole numbers
    assert np.array_equal(image.values[0], values[np.ix_(rows, columns)])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.tuples(*[st.integers(1, 6)] * 2), st.tuples(*[st.integers(1, 5)] * 2))
def test_area_by_a_whole_factor_is_the_mean_of_blocks(seed: int, target, factor) -> None:
    shape = tuple(n * f for n, f in zip(target, factor, strict=True))
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    image = to_shape(flat(values), shape=target, method="area")
    blocks = values.reshape(target[0], factor[0], target[1], factor[1]).mean(axis=(1, 3))
    assert np.allclose(image.values[0], blocks, atol=1e-5)


def test_area_by_any_factor_is_that_of_opencv() -> None:
    values = np.random.default_rng(5).normal(size=(37, 29)).astype(np.float32)
    image = to_shape(flat(values), shape=(16, 11), method="area")
    assert np.allclose(image.values[0], cv2.resize(values, (11, 16), interpolation=cv2.INTER_AREA), atol=1e-5)


@pytest.mark.parametrize("method", ["linear", "linear_antialias", "area", "nearest_exact"])
def test_a_constant_stays_constant_and_the_same_shape_stays_the_same(method: str) -> None:
    constant = to_shape(flat(np.full((9, 14), 3.25)), shape=(5, 31), method=method)
    assert np.allclose(constant.values, 3.25)
    values = np.random.default_rng(4).normal(size=(9, 14)).astype(np.float32)
    assert np.allclose(to_shape(flat(values), shape=(9, 14), method=method).values[0], values, atol=1e-6)


def test_shrinking_with_antialias_lets_nothing_flicker_through() -> None:
    stripes = np.zeros((64, 64))
    stripes[:, ::2] = 1.0
    shrunk = to_shape(flat(stripes), shape=(16, 16), method="linear_antialias").values[0]
    assert np.allclose(shrunk[:, 1:-1], 0.5, atol=1e-6)
    assert np.ptp(to_shape(flat(stripes[:, 1:]), shape=(16, 16), method="linear").values) > 0.4


def test_sides_are_sized_as_their_names_say() -> None:
    wide = flat(np.zeros((40, 61)))
    assert shorter_side(wide, size=20).spatial_shape == (20, 30)
    assert shorter_side(flat(np.zeros((61, 40))), size=20).spatial_shape == (30, 20)
    assert longest_side(wide, size=20).spatial_shape == (13, 20)
    assert longest_side(flat(np.zeros((1, 500))), size=20).spatial_shape == (1, 20)
    assert shorter_side(solid(np.zeros((7, 40, 61))), size=20).spatial_shape == (7, 20, 30)


def test_channels_are_resampled_alike() -> None:
    values = np.random.default_rng(8).normal(size=(3, 9, 12)).astype(np.float32)
    image = flat(values[0])
    colour = to_shape(type(image)(values=values, to_source=np.eye(3), source_shape=(9, 12)), shape=(5, 20))
    for channel in range(3):
        assert np.array_equal(colour.values[channel], to_shape(flat(values[channel]), shape=(5, 20)).values[0])


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    source = solid(np.random.default_rng(9).normal(size=(6, 7, 8)))
    whole = to_shape(source, shape=(9, 5, 11), method="linear_antialias").values
    monkeypatch.setattr(resampling, "_BLOCK_ELEMENTS", 3)
    assert np.array_equal(to_shape(source, shape=(9, 5, 11), method="linear_antialias").values, whole)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_the_median_is_that_of_scipy(size: int) -> None:
    generator = np.random.default_rng(size)
    for image in (solid(generator.normal(size=(6, 7, 8))), flat(generator.normal(size=(11, 12)))):
        expected = ndimage.median_filter(image.values[0], size=size, mode="nearest")
        assert np.array_equal(median(image, size=size).values[0], expected)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: median(flat(np.zeros((4, 4))), size=2),
        lambda: median(flat(np.zeros((4, 4))), size=0),
        lambda: median(flat(np.zeros((4, 4))), size=3.5),
        lambda: to_shape(flat(np.zeros((4, 4))), shape=(4, 4, 4)),
        lambda: to_shape(flat(np.zeros((4, 4))), shape=(4, 0)),
        lambda: to_shape(flat(np.zeros((4, 4))), shape=(4, 4), method="cubic"),
        lambda: to_spacing(solid(np.zeros((4, 4, 4))), spacing=(1.0, 1.0)),
        lambda: to_spacing(solid(np.zeros((4, 4, 4))), spacing=(1.0, 0.0, 1.0)),
    ],
)
def test_options_without_meaning_are_refused(wrong) -> None:
    with pytest.raises(ManifestInvalid):
        wrong()


def test_a_grid_beyond_all_measure_is_refused_before_it_is_made() -> None:
    with pytest.raises(InputTooLarge):
        to_spacing(solid(np.zeros((40, 40, 40))), spacing=(0.001, 0.001, 0.001))
