"""Skeleton and key map: every weight in its place, or a refusal that names it."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from appliance.catalogue.skeleton import fill, read_key_map
from appliance.domain.errors import RecipeRefused
from tests.unit.catalogue.foreign import WEIGHT, write_skeleton

WEIGHTS = {"net": {"layer.weight": WEIGHT.T.copy()}}


def fill_folder(folder: Path, weights: dict[str, dict[str, np.ndarray]] = WEIGHTS) -> bytes:
    return fill(folder / "net.skeleton.onnx", read_key_map(folder / "net.keymap.json"), weights)


def change(folder: Path, **entry: object) -> None:
    path = folder / "net.keymap.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["initialisers"][0].update(entry)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_skeleton(tmp_path)
    return tmp_path


def test_the_filled_graph_computes_with_the_weights_of_the_source(folder: Path) -> None:
    session = onnxruntime.InferenceSession(fill_folder(folder), providers=["CPUExecutionProvider"])
    (y,) = session.run(["y"], {"x": np.array([[1.0, 10.0]], np.float32)})
    np.testing.assert_array_equal(y, [[31.0, 42.0]])


def test_filling_twice_gives_the_same_bytes(folder: Path) -> None:
    assert fill_folder(folder) == fill_folder(folder)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"source": "net:other"}, "no tensor 'net:other'"),
        ({"source": "other:layer.weight"}, "no tensor"),
        ({"shape": [4]}, r"shape \(2, 2\), not \(4,\)"),
        ({"transpose": [0, 0]}, "cannot be transposed"),
        ({"transpose": [2, 1, 0]}, "cannot be transposed"),
        ({"fold": True}, "key map is not valid"),
        ({"name": "v"}, "do not make a valid graph"),
    ],
)
def test_a_key_map_that_does_not_fit_is_refused(folder: Path, entry: dict[str, object], reason: str) -> None:
    change(folder, **entry)
    with pytest.raises(RecipeRefused, match=reason):
        fill_folder(folder)


@pytest.mark.parametrize("name", ["net.skeleton.onnx", "net.keymap.json"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xff\xff"])
def test_a_missing_or_damaged_part_is_refused(folder: Path, name: str, content: bytes | None) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(RecipeRefused):
        fill_folder(folder)


def test_a_weight_that_the_skeleton_already_has_is_refused(folder: Path) -> None:
    (folder / "net.skeleton.onnx").write_bytes(fill_folder(folder))
    with pytest.raises(RecipeRefused, match="already has w"):
        fill_folder(folder)
