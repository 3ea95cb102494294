"""The repository holds no foreign weights."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def test_no_foreign_weight_is_left_in_a_skeleton(project: Path) -> None:
    """What a key map brings in is not in the skeleton, and what is in it is small or of one value throughout."""
    geometry = {(16, 37), (64, 64, 2)}  # interpolation of positions, grid of coordinates
    skeletons = sorted((project / "models_onnx").glob("*/*/*.skeleton.onnx"))
    assert len(skeletons) >= 6
    for path in skeletons:
        key_map = json.loads(path.with_name(path.name.replace("skeleton.onnx", "keymap.json")).read_bytes())
        brought = {entry["name"] for entry in key_map["initialisers"]}
        for tensor in onnx.load(path).graph.initializer:
            array = numpy_helper.to_array(tensor)
            assert tensor.name not in brought
            if array.dtype.kind == "f" and array.size >= 8 and array.shape not in geometry:
                assert np.ptp(array) == 0.0, (path.name, tensor.name)
