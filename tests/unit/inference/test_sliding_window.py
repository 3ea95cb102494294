"""Windows cover the grid; what a pointwise network says is what it says of the whole."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.inference.sliding_window import run
from tests.unit.inference.fakes import FakeNetwork, prepared

SHAPES = st.tuples(*[st.integers(1, 11)] * 3)
WINDOWS = st.tuples(*[st.integers(1, 6)] * 3)


def pointwise(shape=(None, 1, None, None, None)) -> FakeNetwork:
    return FakeNetwork(lambda x: {"y": np.concatenate([3 * x - 1, x**2], axis=1)}, shape)


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 2**32 - 1),
    SHAPES,
    WINDOWS,
    st.floats(0, 0.9),
    st.sampled_from(["gaussian", "constant"]),
    st.integers(1, 4),
    st.floats(0.05, 1.0),
)
def test_a_pointwise_network_answers_as_for_the_whole(seed, shape, window, overlap, blend, batch, sigma) -> None:
    values = np.random.default_rng(seed).normal(size=(1, *shape)).astype(np.float32)
    options = {"window": window, "overlap": overlap, "blend": blend, "batch": batch, "sigma": sigma}
    outputs = run({"model": pointwise()}, prepared(values), options)
    assert np.allclose(outputs["y"], np.concatenate([3 * values - 1, values**2]), atol=1e-4)
    assert outputs["y"].flags.c_contiguous


@settings(deadline=None, max_examples=60)
@given(SHAPES, WINDOWS, st.floats(0, 0.9), st.sampled_from(["gaussian", "constant"]))
def test_weights_add_up_to_one_everywhere(shape, window, overlap, blend) -> None:
    ones = FakeNetwork(lambda x: {"y": np.ones_like(x)}, (None, 1, None, None, None))
    options = {"window": window, "overlap": overlap, "blend": blend}
    assert np.allclose(run({"model": ones}, prepared(np.zeros((1, *shape))), options)["y"], 1.0, atol=1e-5)


@given(st.integers(1, 60), st.integers(1, 20), st.floats(0, 0.9))
def test_neighbours_overlap_by_at_least_what_is_asked(length: int, size: int, overlap: float) -> None:
    ramp = np.arange(length, dtype=np.float32).reshape(1, length)
    network = FakeNetwork(lambda x: {"y": x}, (None, 1, None))
    run({"model": network}, prepared(ramp), {"window": (size,), "overlap": overlap})
    starts = [int(feed[0, 0, 0]) for feed in network.fed]
    if length <= size:
        assert len(network.fed) == 1
        return
    assert starts[0] == 0
    assert starts[-1] == length - size
    assert all(0 < b - a <= max(1, int(size * (1 - overlap))) for a, b in itertools.pairwise(starts))


def test_the_centre_of_a_window_counts_more_than_its_border() -> None:
    by_window = iter([0.0, 1.0])
    network = FakeNetwork(lambda x: {"y": np.full_like(x, next(by_window))}, (None, 1, 8))
    gaussian = run({"model": network}, prepared(np.zeros((1, 12))), {"overlap": 0.5})["y"][0]
    assert gaussian[:4].tolist() == [0.0] * 4
    assert gaussian[8:].tolist() == [1.0] * 4
    weight = np.exp(-0.5 * ((np.arange(8) - 3.5) / (0.125 * 8)) ** 2)
    weight = np.maximum(weight / weight.max(), 1e-3)
    assert gaussian[4:8] == pytest.approx(weight[:4] / (weight[4:] + weight[:4]), abs=1e-6)


def test_a_grid_smaller_than_the_window_is_filled_about_its_centre() -> None:
    network = FakeNetwork(lambda x: {"y": x}, (None, 1, 5, 4))
    outputs = run({"model": network}, prepared(np.ones((1, 2, 4))), {"fill": -7.0})
    assert outputs["y"].tolist() == np.ones((1, 2, 4)).tolist()
    (feed,) = network.fed
    assert feed.shape == (1, 1, 5, 4)
    assert feed[0, 0, :, 0].tolist() == [-7, 1, 1, -7, -7]


def test_a_fixed_batch_is_filled_and_the_surplus_dropped() -> None:
    network = pointwise((4, 1, 2, 2, 2))
    values = np.random.default_rng(0).normal(size=(1, 5, 2, 2))
    outputs = run({"model": network}, prepared(values), {"overlap": 0.0, "batch": 1})
    assert [feed.shape[0] for feed in network.fed] == [4]
    assert np.allclose(outputs["y"][0], 3 * values[0] - 1, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, ManifestInvalid),
        ({"window": (2, 2)}, ManifestInvalid),
        ({"window": (2, 0, 2)}, ManifestInvalid),
        ({"window": (2, 2, 2), "overlap": 1.0}, ManifestInvalid),
        ({"window": (2, 2, 2), "overlap": -0.1}, ManifestInvalid),
        ({"window": (2, 2, 2), "blend": "max"}, ManifestInvalid),
        ({"window": (2, 2, 2), "sigma": 0.0}, ManifestInvalid),
        ({"window": (2, 2, 2), "overlap": True}, ManifestInvalid),
    ],
)
def test_options_without_meaning_are_refused(options, error) -> None:
    with pytest.raises(error):
        run({"model": pointwise()}, prepared(np.zeros((1, 4, 4, 4))), options)


def test_a_window_or_an_output_that_does_not_fit_the_network_is_refused() -> None:
    with pytest.raises(RuntimeMismatch, match="windows of"):
        run({"model": pointwise((None, 1, 4, 4, 4))}, prepared(np.zeros((1, 8, 8, 8))), {"window": (2, 2, 2)})
    shrinking = FakeNetwork(lambda x: {"y": x[..., 1:]}, (None, 1, 4, 4, 4))
    with pytest.raises(RuntimeMismatch, match="not on the window"):
        run({"model": shrinking}, prepared(np.zeros((1, 8, 8, 8))), {})
