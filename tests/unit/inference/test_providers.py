"""Providers are asked for by name, with options as ONNX Runtime documents them, and never replaced silently."""

from pathlib import Path

import pytest

from appliance.domain.errors import RuntimeMismatch
from appliance.inference.providers import (
    CPU,
    CUDA,
    OPENVINO,
    TENSORRT,
    Machine,
    Profile,
    engine_folder,
    provider_chain,
    this_machine,
    verify_providers,
)

MACHINE = Machine(cache=Path("cache"), device_id=1, gpu="H100, 9.0", tensorrt="10.7")
DOCUMENTED_CUDA = {
    "device_id", "arena_extend_strategy", "cudnn_conv_algo_search", "use_tf32", "gpu_mem_limit",
    "do_copy_in_default_stream", "cudnn_conv_use_max_workspace", "enable_cuda_graph", "prefer_nhwc",
}  # fmt: skip
DOCUMENTED_TENSORRT = {
    "device_id", "trt_engine_cache_enable", "trt_engine_cache_path", "trt_timing_cache_enable",
    "trt_timing_cache_path", "trt_fp16_enable", "trt_int8_enable", "trt_profile_min_shapes", "trt_profile_opt_shapes",
    "trt_profile_max_shapes", "trt_max_workspace_size", "trt_builder_optimization_level",
}  # fmt: skip
"""Of onnxruntime.ai, "CUDA Execution Provider" and "TensorRT Execution Provider": keys of this appliance's choice."""


def chain(provider: str, precision: str = "fp32", profile: Profile | None = None):
    return provider_chain(provider, MACHINE, file_sha256="ab" * 32, precision=precision, profile=profile)


def test_the_cpu_needs_nothing() -> None:
    assert chain(CPU) == [(CPU, {})]


def test_cuda_computes_in_full_precision_unless_the_package_says_otherwise() -> None:
    ((name, options),) = chain(CUDA)
    assert name == CUDA
    assert set(options) <= DOCUMENTED_CUDA
    assert (options["device_id"], options["use_tf32"]) == ("1", "0")
    assert options["cudnn_conv_algo_search"] in ("EXHAUSTIVE", "HEURISTIC", "DEFAULT")
    assert options["arena_extend_strategy"] in ("kNextPowerOfTwo", "kSameAsRequested")
    assert chain(CUDA, "fp16")[0][1]["use_tf32"] == "1"


@pytest.mark.parametrize(
    ("precision", "fp16", "int8"), [("fp32", "False", "False"), ("fp16", "True", "False"), ("int8", "False", "True")]
)
def test_tensorrt_falls_to_cuda_by_name_and_keeps_its_engines(precision, fp16, int8) -> None:
    (name, options), (second, cuda) = chain(TENSORRT, precision)
    assert (name, second) == (TENSORRT, CUDA)
    assert set(options) <= DOCUMENTED_TENSORRT
    assert set(cuda) <= DOCUMENTED_CUDA
    assert (options["trt_fp16_enable"], options["trt_int8_enable"]) == (fp16, int8)
    assert options["trt_engine_cache_enable"] == options["trt_timing_cache_enable"] == "True"
    assert Path(options["trt_engine_cache_path"]).parent == Path(options["trt_timing_cache_path"])
    assert all(isinstance(value, str) for value in options.values())


def test_a_profile_is_written_as_onnx_runtime_reads_it() -> None:
    shapes = {"image": (1, 3, 224, 224), "box": (1, 4)}
    options = chain(TENSORRT, profile=Profile(smallest=shapes, usual=shapes, largest={**shapes, "box": (8, 4)}))[0][1]
    assert options["trt_profile_min_shapes"] == options["trt_profile_opt_shapes"] == "box:1x4,image:1x3x224x224"
    assert options["trt_profile_max_shapes"] == "box:8x4,image:1x3x224x224"
    assert not any(key.startswith("trt_profile") for key in chain(TENSORRT)[0][1])


def test_an_engine_has_its_own_folder_for_all_that_it_depends_on() -> None:
    base = {"file_sha256": "ab" * 32, "precision": "fp32", "profile": None}
    folders = {
        engine_folder(MACHINE, **base),
        engine_folder(Machine(cache=Path("cache"), gpu="A100, 8.0", tensorrt="10.7"), **base),
        engine_folder(Machine(cache=Path("cache"), gpu="H100, 9.0", tensorrt="10.8"), **base),
        engine_folder(MACHINE, **{**base, "file_sha256": "cd" * 32}),
        engine_folder(MACHINE, **{**base, "precision": "fp16"}),
        engine_folder(MACHINE, **{**base, "profile": Profile(usual={"x": (1, 1)})}),
    }
    assert len(folders) == 6
    assert engine_folder(MACHINE, **base) in folders


def test_openvino_keeps_its_blobs_by_the_file() -> None:
    ((name, options),) = chain(OPENVINO)
    assert name == OPENVINO
    assert set(options) == {"device_type", "cache_dir"}
    assert "abababababababab" in options["cache_dir"]


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(RuntimeMismatch, match="Quantum"):
        chain("QuantumExecutionProvider")


@pytest.mark.parametrize(
    ("wanted", "actual"),
    [
        ([CUDA], [CPU]),
        ([TENSORRT, CUDA], [CUDA, CPU]),
        ([TENSORRT, CUDA], [TENSORRT, CPU]),
        ([CPU], []),
        ([CUDA], [CPU, CUDA]),
    ],
)
def test_another_provider_than_the_one_asked_for_is_refused(wanted, actual) -> None:
    with pytest.raises(RuntimeMismatch, match="asked for"):
        verify_providers(wanted, actual)


def test_the_cpu_behind_the_one_asked_for_is_expected() -> None:
    verify_providers([CUDA], [CUDA, CPU])
    verify_providers([TENSORRT, CUDA], [TENSORRT, CUDA, CPU])
    verify_providers([CPU], [CPU])


def test_a_machine_without_a_driver_has_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert this_machine(tmp_path).gpu == ""
