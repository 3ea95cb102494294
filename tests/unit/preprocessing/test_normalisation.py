"""Ranges, levels and statistics, with the numbers worked out by hand or by numpy in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import ManifestInvalid
from appliance.preprocessing import normalisation
from appliance.preprocessing.normalisation import (
    affine,
    channel_statistics,
    clip,
    grey_levels,
    min_max,
    percentile_clip,
    recalled_clip,
    round_values,
    z_score,
)
from tests.unit.preprocessing.grids import flat, solid

RAMP = np.arange(12.0).reshape(3, 4)


def test_clip_and_affine() -> None:
    assert clip(flat(RAMP), low=2, high=5).values.ravel().tolist() == [2, 2, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5]
    assert affine(flat(RAMP), scale=2.0, offset=-1.0).values.ravel().tolist() == (2 * RAMP - 1).ravel().tolist()


def test_percentiles_are_noted_and_recalled() -> None:
    clipped, notes = percentile_clip(flat(np.arange(101.0).reshape(1, 101)), low=5, high=90)
    assert notes == {"clip_low": 5.0, "clip_high": 90.0}
    assert (clipped.values.min(), clipped.values.max()) == (5, 90)
    other = recalled_clip(flat(np.array([[-3.0, 50.0, 300.0]])), notes)
    assert other.values.ravel().tolist() == [5, 50, 90]
    with pytest.raises(ManifestInvalid):
        recalled_clip(flat(RAMP), {})


def test_min_max_of_an_image_or_of_each_slice() -> None:
    whole = min_max(solid([[[0, 2]], [[4, 8]]]), low=-1, high=1)
    assert whole.values.ravel().tolist() == [-1, -0.5, 0, 1]
    by_slice = min_max(solid([[[0, 2]], [[4, 8]]]), per="slice")
    assert by_slice.values.ravel().tolist() == [0, 1, 0, 1]
    assert min_max(flat(np.full((2, 2), 7.0)), low=3, high=9).values.ravel().tolist() == [3] * 4
    with pytest.raises(ManifestInvalid, match="per"):
        min_max(flat(RAMP), per="row")


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 1e-6]))
def test_grey_levels_are_those_of_a_conversion_to_bytes(seed: int, epsilon: float) -> None:
    values = np.random.default_rng(seed).integers(-1000, 3000, (3, 5, 4)).astype(np.float32)
    levels = grey_levels(solid(values), levels=256, per="slice", epsilon=epsilon).values[0]
    low, high = values.min(axis=(1, 2), keepdims=True), values.max(axis=(1, 2), keepdims=True)
    exact = (values.astype(np.float64) - low) * 255 / (high - low + epsilon)
    assert np.all(levels == np.floor(levels))
    assert np.all((levels >= np.floor(exact - 1e-4)) & (levels <= np.floor(exact + 1e-4)))
    assert grey_levels(flat(np.full((2, 2), 9.0))).values.max() == 0


def test_rounding_goes_half_up_and_stays_in_its_range() -> None:
    rounded = round_values(flat([[-3.0, 0.5, 1.49, 2.5, 254.6, 300.0]]), low=0, high=255)
    assert rounded.values.ravel().tolist() == [0, 1, 1, 3, 255, 255]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.floats(-1e4, 1e4))
def test_a_z_score_has_the_mean_and_deviation_it_says(seed: int, sample: bool, shift: float) -> None:
    values = (np.random.default_rng(seed).normal(size=(4, 5, 6)) * 30 + shift).astype(np.float32)
    scored = z_score(solid(values), scale=0.226, offset=0.449, sample=sample).values.astype(np.float64)
    exact = values.astype(np.float64)
    expected = (exact - exact.mean()) / exact.std(ddof=1 if sample else 0) * 0.226 + 0.449
    assert np.allclose(scored[0], expected, atol=1e-4)


def test_statistics_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    image = solid(np.random.default_rng(1).normal(1000, 1, size=(9, 10, 11)))
    whole = z_score(image).values
    monkeypatch.setattr(normalisation, "_BLOCK", 7)
    assert np.allclose(z_score(image).values, whole, atol=1e-6)


def test_a_constant_has_a_z_score_of_the_offset() -> None:
    assert z_score(flat(np.full((3, 3), 5.0)), scale=2.0, offset=0.25).values.ravel().tolist() == [0.25] * 9
    assert z_score(flat([[5.0]]), sample=True).values.ravel().tolist() == [0.0]


def test_each_channel_has_its_own_statistics() -> None:
    image = flat(RAMP)
    colour = type(image)(values=np.stack([RAMP, RAMP * 2, RAMP * 3]), to_source=np.eye(3), source_shape=(3, 4))
    scored = channel_statistics(colour, mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 3.0))
    assert np.allclose(scored.values, RAMP - 1.0)
    for wrong in (((1.0,), (1.0,)), ((1.0, 1.0, 1.0), (1.0, 0.0, 1.0))):
        with pytest.raises(ManifestInvalid):
            channel_statistics(colour, mean=wrong[0], std=wrong[1])


@pytest.mark.parametrize(
    "step",
    [
        lambda image: clip(image, low=0, high=1),
        lambda image: affine(image, scale=2.0),
        lambda image: min_max(image),
        lambda image: grey_levels(image),
        lambda image: round_values(image, low=0, high=3),
        lambda image: z_score(image),
        lambda image: channel_statistics(image, mean=(1.0,), std=(2.0,)),
        lambda image: percentile_clip(image, low=1, high=99)[0],
    ],
)
def test_no_step_changes_the_values_it_was_given(step) -> None:
    image = flat(RAMP)
    image.values.setflags(write=False)
    result = step(image)
    assert np.array_equal(image.values[0], RAMP)
    assert result.values.dtype == np.float32
    assert np.array_equal(result.to_source, image.to_source)
