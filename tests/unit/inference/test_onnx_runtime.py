"""A stage through its strategy on ONNX Runtime; golden cases that notice a change."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from appliance.domain.errors import (
    GoldenCaseFailed,
    ManifestInvalid,
    MemoryShort,
    ModelFileChanged,
    RuntimeMismatch,
    WeightsMissing,
)
from appliance.domain.model_package import GoldenCase, ModelFile, ModelPackage, RuntimeNeeds, Stage
from appliance.inference.golden import run_golden_cases
from appliance.inference.onnx_runtime import OnnxRuntime
from appliance.inference.providers import CPU, CUDA
from tests.helpers.findings import package as some_package
from tests.helpers.tiny_models import write_graph
from tests.unit.inference.fakes import prepared

VALUES = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
STAGE = Stage(name="only", networks={"model": "model"}, steps=(), strategy="single_pass")


def scaling(path: Path, factor: float) -> str:
    """A graph y = factor * x."""
    constant = helper.make_tensor("factor", TensorProto.FLOAT, [], [factor])
    nodes = [
        helper.make_node("Constant", [], ["factor"], value=constant),
        helper.make_node("Mul", ["x", "factor"], ["y"]),
    ]
    shape: list[int | str] = ["n", 1, "a", "b", "c"]
    return write_graph(path, nodes, {"x": shape}, {"y": shape})


def package(folder: Path, factor: float = 2.0, **attributes: Any) -> ModelPackage:
    sha256 = scaling(folder / "model.onnx", factor)
    files = {"model": ModelFile(path="model.onnx", sha256=sha256)}
    described = replace(
        some_package(), folder=folder, files=files, stages=(STAGE,), runtime=RuntimeNeeds(memory_mib=100)
    )
    return replace(described, **attributes)


def runtime(folder: Path, budget: int = 1000, providers: tuple[str, ...] = (CPU,)) -> OnnxRuntime:
    return OnnxRuntime(memory_budget_mib=budget, cache=folder / "cache", providers=providers)


def test_a_stage_runs_through_its_strategy(tmp_path: Path) -> None:
    outputs = runtime(tmp_path).run(package(tmp_path), STAGE, prepared(VALUES))
    assert np.array_equal(outputs["y"], 2 * VALUES)


def test_the_network_stays_and_is_counted(tmp_path: Path) -> None:
    shared, described = runtime(tmp_path), package(tmp_path)
    shared.run(described, STAGE, prepared(VALUES))
    (tmp_path / "model.onnx").unlink()
    shared.run(described, STAGE, prepared(VALUES))
    assert shared.resident_mib == 100


def test_the_budget_holds_across_packages(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    shared = runtime(tmp_path, budget=150)
    one, other = package(tmp_path / "a", 2.0), package(tmp_path / "b", 3.0)
    with shared.network(one, "model"), pytest.raises(MemoryShort):
        shared.run(other, STAGE, prepared(VALUES))
    assert np.array_equal(shared.run(other, STAGE, prepared(VALUES))["y"], 3 * VALUES)
    assert shared.resident_mib == 100


def test_the_first_allowed_provider_of_the_package_is_taken(tmp_path: Path) -> None:
    needs = RuntimeNeeds(providers=(CUDA, CPU), memory_mib=100)
    with runtime(tmp_path).network(package(tmp_path, runtime=needs), "model") as network:
        assert network.providers == (CPU,)  # type: ignore[attr-defined]


@pytest.mark.parametrize("allowed", [(CPU,), (CUDA, CPU)])
def test_a_package_whose_providers_are_not_here_is_refused(tmp_path: Path, allowed) -> None:
    needs = RuntimeNeeds(providers=("OpenVINOExecutionProvider",), memory_mib=100)
    with pytest.raises(RuntimeMismatch, match="OpenVINO"):
        runtime(tmp_path, providers=allowed).run(package(tmp_path, runtime=needs), STAGE, prepared(VALUES))


@pytest.mark.parametrize("stage", [replace(STAGE, strategy="guess"), replace(STAGE, networks={"encoder": "model"})])
def test_a_stage_without_strategy_or_networks_is_refused(tmp_path: Path, stage: Stage) -> None:
    with pytest.raises(ManifestInvalid, match="lacks networks"):
        runtime(tmp_path).run(package(tmp_path), stage, prepared(VALUES))


@pytest.mark.parametrize("factor", [np.inf, np.nan])
def test_an_output_that_is_not_a_number_is_refused(tmp_path: Path, factor: float) -> None:
    with pytest.raises(RuntimeMismatch, match="not numbers"):
        runtime(tmp_path).run(package(tmp_path, factor), STAGE, prepared(VALUES))


def test_weights_that_are_missing_or_changed_are_refused_and_hold_no_memory(tmp_path: Path) -> None:
    described, shared = package(tmp_path), runtime(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"other")
    with pytest.raises(ModelFileChanged):
        shared.run(described, STAGE, prepared(VALUES))
    (tmp_path / "model.onnx").unlink()
    with pytest.raises(WeightsMissing):
        shared.run(described, STAGE, prepared(VALUES))
    assert shared.resident_mib == 0


def with_case(described: ModelPackage, arrays: Mapping[str, Any], tolerance: float = 1e-3) -> ModelPackage:
    path = described.folder / "case.npz"
    with path.open("wb") as file:
        np.savez(file, **dict(arrays))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(described, golden=(GoldenCase(path="case.npz", sha256=sha256, tolerance=tolerance),))


BATCH = VALUES[np.newaxis]


def test_a_golden_case_passes_where_the_output_is_the_same(tmp_path: Path) -> None:
    described = with_case(package(tmp_path), {"model/in/x": BATCH, "model/out/y": 2 * BATCH + 5e-4})
    (outcome,) = run_golden_cases(described, runtime(tmp_path))
    assert (outcome.network, outcome.output, outcome.tolerance) == ("model", "y", 1e-3)
    assert outcome.difference == pytest.approx(5e-4, rel=0.01)


def test_a_thinned_output_is_compared_where_it_was_kept(tmp_path: Path) -> None:
    thin = (2 * BATCH)[:, :, ::2, ::2, ::2]
    described = with_case(package(tmp_path), {"model/in/x": BATCH, "model/out/y/2": thin})
    assert run_golden_cases(described, runtime(tmp_path))[0].difference == 0
    spoiled = thin.copy()
    spoiled[..., -1] += 0.01
    with pytest.raises(GoldenCaseFailed, match="differs by"):
        run_golden_cases(with_case(described, {"model/in/x": BATCH, "model/out/y/2": spoiled}), runtime(tmp_path))


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"model/in/x": BATCH, "model/out/y": 2 * BATCH + 2e-3}, "differs by"),
        ({"model/in/x": BATCH, "model/out/y": np.full_like(BATCH, np.nan)}, "differs by"),
        ({"model/in/x": BATCH, "model/out/y": BATCH[..., :1]}, "has shape"),
        ({"model/in/x": BATCH, "model/out/z": BATCH}, "no output"),
        ({"model/in/x": BATCH}, "holds no outputs"),
        ({"other/in/x": BATCH, "other/out/y": BATCH}, "no network"),
        ({"model/out/y": BATCH}, "no network"),
        ({}, "holds no outputs"),
    ],
)
def test_a_changed_output_or_a_case_that_proves_nothing_fails(tmp_path: Path, arrays, reason: str) -> None:
    with pytest.raises(GoldenCaseFailed, match=reason):
        run_golden_cases(with_case(package(tmp_path), arrays), runtime(tmp_path))


def test_a_case_that_is_missing_changed_or_no_archive_fails(tmp_path: Path) -> None:
    described = with_case(package(tmp_path), {"model/in/x": BATCH, "model/out/y": 2 * BATCH})
    (case,) = described.golden
    (tmp_path / "case.npz").write_bytes(b"no archive")
    with pytest.raises(GoldenCaseFailed, match="sha256"):
        run_golden_cases(described, runtime(tmp_path))
    sha256 = hashlib.sha256(b"no archive").hexdigest()
    with pytest.raises(GoldenCaseFailed, match="npz"):
        run_golden_cases(replace(described, golden=(replace(case, sha256=sha256),)), runtime(tmp_path))
    (tmp_path / "case.npz").unlink()
    with pytest.raises(WeightsMissing):
        run_golden_cases(described, runtime(tmp_path))
