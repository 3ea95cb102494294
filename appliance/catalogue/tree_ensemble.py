"""Boosted trees of XGBoost as one ONNX graph.

Several binary classifiers (the folds of a cross-validation) over the same features become one
`TreeEnsembleRegressor` with a target per classifier. The graph gives, for features `[N, F]`:

- `vote` `[N, 1]`: the share of the classifiers that say 1 (each says 1 when its probability is above one half),
- `probability` `[N, 1]`: the mean of their probabilities.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from appliance.catalogue.weight_files.ubjson import parse_ubjson
from appliance.domain.errors import RecipeRefused

_OPSET = (helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3))
_IR_VERSION = 8


def tree_ensemble_graph(models: Sequence[bytes]) -> bytes:
    """The finished ONNX file of XGBoost models in UBJSON. The same models give the same bytes.

    Raises RecipeRefused for anything but binary logistic classifiers of numeric features.
    """
    learners = [_learner(content) for content in models]
    features = int(learners[0]["learner_model_param"]["num_feature"])
    if any(int(learner["learner_model_param"]["num_feature"]) != features for learner in learners):
        raise RecipeRefused("the tree models do not take the same features")
    graph = helper.make_graph(
        [_ensemble(learners), *_combination()],
        "tree_ensemble",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", features])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 1]) for name in ("vote", "probability")],
        [helper.make_tensor("half", TensorProto.FLOAT, [], [0.5])],
    )
    model = helper.make_model(graph, opset_imports=_OPSET, ir_version=_IR_VERSION, producer_name="appliance")
    onnx.checker.check_model(model)
    finished: bytes = model.SerializeToString(deterministic=True)
    return finished


def _learner(content: bytes) -> dict[str, Any]:
    try:
        learner: dict[str, Any] = parse_ubjson(content)["learner"]
        kinds = (learner["objective"]["name"], learner["gradient_booster"]["name"])
        dropped = any(tree["categories_nodes"].size for tree in learner["gradient_booster"]["model"]["trees"])
    except (KeyError, TypeError, AttributeError) as error:
        raise RecipeRefused("the weight file is not a model of XGBoost") from error
    if kinds != ("binary:logistic", "gbtree") or dropped:
        raise RecipeRefused("the tree model is not a binary classifier of numeric features")
    return learner


def _combination() -> list[Any]:
    """Sum of leaves -> probability of each classifier -> vote and mean probability."""
    return [
        helper.make_node("Sigmoid", ["margins"], ["probabilities"]),
        helper.make_node("ReduceMean", ["probabilities"], ["probability"], axes=[1], keepdims=1),
        helper.make_node("Greater", ["probabilities", "half"], ["positive"]),
        helper.make_node("Cast", ["positive"], ["labels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["labels"], ["vote"], axes=[1], keepdims=1),
    ]


def _ensemble(learners: Sequence[dict[str, Any]]) -> Any:
    """All trees of all learners in one node; the margin of a learner starts at the logit of its base score."""
    scores = [float(str(learner["learner_model_param"]["base_score"]).strip("[]")) for learner in learners]
    columns: dict[str, list[Any]] = {key: [] for key in _TREE_COLUMNS}
    tree_id = 0
    for target, learner in enumerate(learners):
        for tree in learner["gradient_booster"]["model"]["trees"]:
            _append_tree(columns, tree, tree_id, target)
            tree_id += 1
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["margins"],
        domain="ai.onnx.ml",
        n_targets=len(learners),
        base_values=[float(np.float32(math.log(score / (1 - score)))) for score in scores],
        post_transform="NONE",
        aggregate_function="SUM",
        **columns,
    )


_TREE_COLUMNS = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_missing_value_tracks_true",
    "target_treeids",
    "target_nodeids",
    "target_ids",
    "target_weights",
)


def _append_tree(columns: dict[str, list[Any]], tree: dict[str, Any], tree_id: int, target: int) -> None:
    """XGBoost goes left where the feature is below the condition; a leaf's condition is its value."""
    left, right, condition = tree["left_children"], tree["right_children"], tree["split_conditions"]
    for node in range(len(left)):
        leaf = left[node] < 0
        columns["nodes_treeids"].append(tree_id)
        columns["nodes_nodeids"].append(node)
        columns["nodes_featureids"].append(int(tree["split_indices"][node]))
        columns["nodes_modes"].append("LEAF" if leaf else "BRANCH_LT")
        columns["nodes_values"].append(0.0 if leaf else float(condition[node]))
        columns["nodes_truenodeids"].append(0 if leaf else int(left[node]))
        columns["nodes_falsenodeids"].append(0 if leaf else int(right[node]))
        columns["nodes_missing_value_tracks_true"].append(int(tree["default_left"][node]))
        if leaf:
            columns["target_treeids"].append(tree_id)
            columns["target_nodeids"].append(node)
            columns["target_ids"].append(target)
            columns["target_weights"].append(float(condition[node]))
