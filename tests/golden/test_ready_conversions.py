"""The pulled files compute what independent conversions of the same weights compute."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from appliance.catalogue.pull import is_pulled

pytestmark = [pytest.mark.shared, pytest.mark.weights]
TOLERANCE = 1e-3

PAIRS = [
    ("mr-brain", "bbox", "bbox", "deepbet/bbox_model.onnx"),
    ("mr-brain", "brain", "brain", "deepbet/model.onnx"),
    ("cxr-lungs", "encoder", "encoder", "litemedsam/litemedsam_encoder.onnx"),
    ("cxr-lungs", "decoder", "decoder", "litemedsam/litemedsam_decoder.onnx"),
]


def run(file: Path, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def package_of(project: Path, name: str) -> Path:
    folder = project / "models_onnx" / name / "1.0.0"
    if not is_pulled(folder):
        pytest.skip(f"the weights of {name} have not been pulled")
    return folder


@pytest.mark.parametrize(("package", "stem", "key", "ready"), PAIRS)
def test_the_pulled_file_answers_as_the_ready_conversion(
    project: Path, shared_weights: Path, package: str, stem: str, key: str, ready: str
) -> None:
    folder = package_of(project, package)
    with np.load(folder / "golden" / "drawn.npz") as case:
        feeds = {name.split("/")[2]: case[name] for name in case.files if name.startswith(f"{key}/in/")}
    mine, theirs = run(folder / "weights" / f"{stem}.onnx", feeds), run(shared_weights / ready, feeds)
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert float(np.ptp(other)) > 0.5
        np.testing.assert_allclose(one, other, rtol=0.0, atol=TOLERANCE)


def test_the_liver_network_is_the_ready_one(project: Path, shared_weights: Path) -> None:
    """Node for node and value for value: quicker than running both, and stricter."""
    mine = onnx.load(package_of(project, "ct-liver") / "weights" / "liver.onnx").graph
    theirs = onnx.load(shared_weights / "liver-ct-mr" / "liver_ct_mr.onnx").graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in mine.initializer}
    for tensor in theirs.initializer:
        np.testing.assert_array_equal(weights[tensor.name], numpy_helper.to_array(tensor))
    computing = [node for node in theirs.node if node.op_type != "Constant"]
    assert [(n.op_type, list(n.attribute)) for n in mine.node] == [(n.op_type, list(n.attribute)) for n in computing]


def test_the_tree_ensemble_separates_ct_from_mr(project: Path) -> None:
    """Probabilities of XGBoost 3 on the same models and rows."""
    folder = package_of(project, "ct-or-mr")
    rows = np.array([[-400, 500, -1024, 3000], [120, 200, 0, 1500], [-800, 700, -3024, 2000]], np.float32)
    vote, probability = run(folder / "weights" / "modality.onnx", {"features": rows})
    assert vote[:, 0].tolist() == [0.0, 1.0, 0.0]
    np.testing.assert_allclose(probability[:, 0], [0.00530968, 0.9949869, 0.00530968], atol=1e-5)
