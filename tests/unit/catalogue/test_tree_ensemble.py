"""Boosted trees as ONNX: the same votes and probabilities as the sums of their leaves."""

import numpy as np
import onnxruntime
import pytest

from appliance.catalogue.tree_ensemble import tree_ensemble_graph
from appliance.domain.errors import RecipeRefused
from tests.unit.catalogue.foreign import booster, stump, ubjson

FIRST = booster(stump(0, 10.0, -1.0, 2.0), stump(1, 0.0, 0.5, -0.25), base_score="[2E-1]")
SECOND = booster(stump(1, 5.0, -3.0, 3.0))


def sigmoid(margin: float) -> float:
    return float(1 / (1 + np.exp(-margin)))


def run(models: list[bytes], rows: list[list[float]]) -> tuple[list[float], list[float]]:
    session = onnxruntime.InferenceSession(tree_ensemble_graph(models), providers=["CPUExecutionProvider"])
    vote, probability = session.run(["vote", "probability"], {"features": np.array(rows, np.float32)})
    return vote[:, 0].tolist(), probability[:, 0].tolist()


def test_leaves_add_up_and_classifiers_vote() -> None:
    vote, probability = run([FIRST, SECOND], [[9.0, -1.0], [10.0, 6.0]])
    start = float(np.log(0.2 / 0.8))
    below = (sigmoid(start - 1.0 + 0.5) + sigmoid(-3.0)) / 2
    above = (sigmoid(start + 2.0 - 0.25) + sigmoid(3.0)) / 2
    assert probability == pytest.approx([below, above], abs=1e-6)
    assert vote == [0.0, 1.0]


def test_a_value_on_the_condition_goes_right_as_in_xgboost() -> None:
    assert run([SECOND], [[0.0, 5.0]])[0] == [1.0]
    assert run([SECOND], [[0.0, np.nextafter(np.float32(5.0), np.float32(0.0))]])[0] == [0.0]


def test_classifiers_that_disagree_give_the_share_of_votes() -> None:
    assert run([SECOND, booster(stump(1, 5.0, 3.0, -3.0))], [[0.0, 0.0]])[0] == [0.5]


def test_the_same_models_give_the_same_bytes() -> None:
    assert tree_ensemble_graph([FIRST, SECOND]) == tree_ensemble_graph([FIRST, SECOND])


@pytest.mark.parametrize(
    "content",
    [b"{}", ubjson({"learner": {}}), ubjson([1]), booster(stump(0, 1.0, 0.0, 1.0), objective="reg:squarederror")],
)
def test_other_models_are_refused(content: bytes) -> None:
    with pytest.raises(RecipeRefused):
        tree_ensemble_graph([content])
