"""One file, verified, loaded on the provider that was asked for, run from many threads."""

import hashlib
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from appliance.domain.errors import MemoryShort, ModelFileChanged, RuntimeMismatch, WeightsMissing
from appliance.inference.onnx_network import _translated, load_network
from appliance.inference.providers import CPU, CUDA
from tests.helpers.tiny_models import write_graph

CHAIN = [(CPU, {})]


def double(folder: Path, metadata: dict[str, str] | None = None) -> tuple[Path, str]:
    nodes = [helper.make_node("Add", ["x", "x"], ["twice"]), helper.make_node("Neg", ["x"], ["minus"])]
    path = folder / "double.onnx"
    shape: list[int | str] = ["n", 3]
    return path, write_graph(path, nodes, {"x": shape}, {"twice": shape, "minus": shape}, metadata)


def test_it_says_what_it_takes_and_gives(tmp_path: Path) -> None:
    network = load_network(*double(tmp_path, {"character": "a\nb"}), CHAIN)
    (given,) = network.inputs
    assert (given.name, given.shape, given.dtype) == ("x", (None, 3), "tensor(float)")
    assert [spec.name for spec in network.outputs] == ["twice", "minus"]
    assert network.metadata == {"character": "a\nb"}
    assert network.providers == (CPU,)


def test_outputs_come_by_name(tmp_path: Path) -> None:
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    outputs = load_network(*double(tmp_path), CHAIN).run({"x": values})
    assert np.array_equal(outputs["twice"], 2 * values)
    assert np.array_equal(outputs["minus"], -values)


def test_many_threads_may_run_it_at_once(tmp_path: Path) -> None:
    network = load_network(*double(tmp_path), CHAIN, threads=1)
    inputs = [np.full((50, 3), n, dtype=np.float32) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(lambda values: network.run({"x": values})["twice"], inputs))
    assert all(np.array_equal(output, 2 * values) for output, values in zip(outputs, inputs, strict=True))


@pytest.mark.parametrize(
    "feeds",
    [
        {"x": np.zeros((2, 4), np.float32)},
        {"x": np.zeros((2, 3), np.float64)},
        {"y": np.zeros((2, 3), np.float32)},
        {},
    ],
)
def test_feeds_that_the_graph_does_not_take_are_refused(tmp_path: Path, feeds) -> None:
    with pytest.raises(RuntimeMismatch, match="does not run") as refused:
        load_network(*double(tmp_path), CHAIN).run(feeds)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_missing_changed_or_no_graph_is_refused(tmp_path: Path) -> None:
    path, sha256 = double(tmp_path)
    with pytest.raises(WeightsMissing):
        load_network(tmp_path / "other.onnx", sha256, CHAIN)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelFileChanged):
        load_network(path, sha256, CHAIN)
    path.write_bytes(b"no graph")
    with pytest.raises(RuntimeMismatch, match="does not load"):
        load_network(path, hashlib.sha256(b"no graph").hexdigest(), CHAIN)


def test_a_provider_that_is_not_there_is_never_replaced(tmp_path: Path) -> None:
    path, sha256 = double(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ONNX Runtime only warns
        with pytest.raises(RuntimeMismatch):
            load_network(path, sha256, [(CUDA, {"device_id": "0"}), (CPU, {})])


def test_running_out_of_memory_is_told_from_a_mismatch() -> None:
    assert isinstance(_translated(MemoryError("x"), "a"), MemoryShort)
    assert isinstance(_translated(RuntimeError("Failed to allocate memory for requested buffer"), "a"), MemoryShort)
    assert isinstance(_translated(RuntimeError("std::bad_alloc: bad allocation"), "a"), MemoryShort)
    assert isinstance(_translated(RuntimeError(""), "a"), RuntimeMismatch)
    assert "secret" not in str(_translated(RuntimeError("first\nsecret"), "a"))
