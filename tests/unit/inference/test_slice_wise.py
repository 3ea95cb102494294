"""Slices go through one after another, in batches, and come back in their place."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.inference.slice_wise import run
from tests.unit.inference.fakes import FakeNetwork, prepared

OPEN = (None, 2, None, None)


def mapped(shape=OPEN) -> FakeNetwork:
    return FakeNetwork(lambda x: {"map": x[:, :1] * 2, "score": x.mean(axis=(2, 3))}, shape)


def volume(slices: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2, slices, 3, 4)).astype(np.float32)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 20), st.integers(1, 9), st.integers(0, 99))
def test_every_slice_comes_back_in_its_place(slices: int, batch: int, seed: int) -> None:
    values, network = volume(slices, seed), mapped()
    outputs = run({"model": network}, prepared(values), {"batch": batch})
    assert np.allclose(outputs["map"], values[:1] * 2)
    assert np.allclose(outputs["score"], values.mean(axis=(2, 3)).T, atol=1e-6)
    assert [feed.shape[0] for feed in network.fed] == [batch] * (slices // batch) + [slices % batch] * (
        slices % batch > 0
    )


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=15), st.sampled_from([None, 4]))
def test_equal_neighbours_are_run_once_and_count_as_often_as_they_are(levels, fixed) -> None:
    values = np.broadcast_to(
        np.array(levels, dtype=np.float32)[np.newaxis, :, np.newaxis, np.newaxis], (2, len(levels), 3, 4)
    )
    network = mapped((fixed, 2, None, None))
    outputs = run({"model": network}, prepared(values), {"batch": 4})
    assert outputs["score"][:, 0].tolist() == levels
    assert np.array_equal(outputs["map"], values[:1] * 2)
    runs = 1 + sum(a != b for a, b in itertools.pairwise(levels))
    assert sum(feed.shape[0] for feed in network.fed) == (runs if fixed is None else -(-runs // 4) * 4)


def test_vectors_are_averaged_or_the_largest_is_taken_over_all_slices() -> None:
    values = volume(7)
    scores = FakeNetwork(lambda x: {"score": x.mean(axis=(2, 3))}, OPEN)
    per_slice = values.mean(axis=(2, 3)).T
    assert np.allclose(run({"model": scores}, prepared(values), {"aggregate": "mean"})["score"], per_slice.mean(axis=0))
    assert np.allclose(run({"model": scores}, prepared(values), {"aggregate": "max"})["score"], per_slice.max(axis=0))


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({}, list(range(10))),
        ({"first": 0.2, "last": 0.5}, [2, 3, 4]),
        ({"first": 0.95, "last": 1.0}, [9]),
        ({"first": 0.99}, [9]),
        ({"maximum": 5}, [1, 3, 5, 7, 9]),
        ({"maximum": 1}, [5]),
        ({"maximum": 99}, list(range(10))),
        ({"first": 0.2, "last": 0.8, "maximum": 2}, [3, 6]),
    ],
)
def test_slices_are_taken_from_the_share_of_the_stack_evenly(options, taken) -> None:
    values = np.broadcast_to(np.arange(10, dtype=np.float32)[np.newaxis, :, np.newaxis, np.newaxis], (2, 10, 3, 4))
    network = FakeNetwork(lambda x: {"score": x.mean(axis=(2, 3))}, OPEN)
    assert run({"model": network}, prepared(values), options)["score"][:, 0].tolist() == taken


@pytest.mark.parametrize(
    "options",
    [{"first": 0.5, "last": 0.5}, {"first": -0.1}, {"last": 1.1}, {"maximum": 0}, {"aggregate": "sum"}, {"batch": "8"}],
)
def test_options_without_meaning_are_refused(options) -> None:
    with pytest.raises(ManifestInvalid):
        run({"model": mapped()}, prepared(volume(4)), options)


def test_outputs_and_grids_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ManifestInvalid, match="volume"):
        run({"model": mapped()}, prepared(np.zeros((2, 3, 4))), {})
    with pytest.raises(RuntimeMismatch, match="batch axis"):
        run({"model": FakeNetwork(lambda x: {"y": x[:1]}, OPEN)}, prepared(volume(4)), {})
    with pytest.raises(RuntimeMismatch, match="slice by slice"):
        run({"model": mapped()}, prepared(volume(4)), {"maximum": 2})
    with pytest.raises(RuntimeMismatch, match="no mean over slices"):
        run({"model": mapped()}, prepared(volume(4)), {"aggregate": "mean"})
