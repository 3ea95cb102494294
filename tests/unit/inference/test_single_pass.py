"""The whole grid at once."""

import numpy as np
import pytest

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.inference.single_pass import run
from tests.unit.inference.fakes import FakeNetwork, prepared

OPEN = (None, 1, None, None, None)


def test_the_grid_goes_through_and_outputs_lose_their_batch_axis() -> None:
    values = np.random.default_rng(0).normal(size=(1, 3, 4, 5)).astype(np.float32)
    network = FakeNetwork(lambda x: {"y": x * 2, "score": x.reshape(1, -1)[:, :2]}, OPEN)
    outputs = run({"model": network}, prepared(values), {})
    assert np.array_equal(outputs["y"], values * 2)
    assert outputs["score"].shape == (2,)
    assert network.fed[0].shape == (1, 1, 3, 4, 5)


def test_plain_features_are_a_row() -> None:
    network = FakeNetwork(lambda x: {"vote": x.mean(axis=1, keepdims=True)}, (1, 4))
    assert run({"model": network}, prepared([1.0, 2.0, 3.0, 6.0]), {})["vote"].tolist() == [3.0]


def test_an_answer_for_the_centre_is_put_in_its_place() -> None:
    values = np.arange(7 * 6 * 5, dtype=np.float32).reshape(1, 7, 6, 5)
    network = FakeNetwork(lambda x: {"y": x[:, :, 2:-2, 1:-1, :]}, OPEN)
    answer = run({"model": network}, prepared(values), {"output": "centre_crop", "fill": -1.0})["y"]
    assert np.array_equal(answer[0, 2:-2, 1:-1], values[0, 2:-2, 1:-1])
    assert (answer == -1).sum() == values.size - 3 * 4 * 5


@pytest.mark.parametrize("cut", [slice(0, -1), slice(None)])
def test_an_answer_without_a_centre_or_with_other_axes_is_refused(cut: slice) -> None:
    network = FakeNetwork(lambda x: {"y": x[:, :, cut] if cut.stop else x[:, 0]}, OPEN)
    with pytest.raises(RuntimeMismatch, match="centre"):
        run({"model": network}, prepared(np.zeros((1, 4, 4, 4))), {"output": "centre_crop"})


def test_several_inputs_or_an_unknown_option_value_are_refused() -> None:
    network = FakeNetwork(lambda x: {"y": x}, OPEN)
    with pytest.raises(ManifestInvalid):
        run({"model": network}, prepared(np.zeros((1, 2, 2, 2))), {"output": "crop"})
    network.inputs *= 2
    with pytest.raises(RuntimeMismatch, match="2 inputs"):
        run({"model": network}, prepared(np.zeros((1, 2, 2, 2))), {})
