"""Execution providers of ONNX Runtime: asked for explicitly, set up for this machine, and verified.

ONNX Runtime goes on with another provider when the one asked for does not start, and says so in a log line only. The
session is therefore asked afterwards which providers it has.
"""

import hashlib
import importlib.metadata
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appliance.domain.errors import RuntimeMismatch

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
OPENVINO = "OpenVINOExecutionProvider"
KNOWN = (CPU, CUDA, TENSORRT, OPENVINO)

Shapes = Mapping[str, tuple[int, ...]]
ProviderOptions = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Input shapes that a TensorRT engine is built for, by input name: smallest, most frequent, largest."""

    smallest: Shapes = field(default_factory=dict)
    usual: Shapes = field(default_factory=dict)
    largest: Shapes = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What provider options depend on. An engine is only good for the GPU and TensorRT version it was built with."""

    cache: Path
    device_id: int = 0
    gpu: str = ""
    tensorrt: str = ""


def this_machine(cache: Path, device_id: int = 0) -> Machine:
    """The GPU and TensorRT version as the driver and the installed packages name them; empty where there is none."""
    return Machine(cache=cache, device_id=device_id, gpu=_gpu(device_id), tensorrt=_tensorrt())


def provider_chain(
    provider: str, machine: Machine, *, file_sha256: str, precision: str, profile: Profile | None = None
) -> list[tuple[str, ProviderOptions]]:
    """The providers to give to a session, first the one that is wanted.

    TensorRT hands what it cannot build to CUDA, which is asked for by name, so that a missing TensorRT shows.
    Raises RuntimeMismatch for a provider that is not known.
    """
    if provider == CPU:
        return [(CPU, {})]
    if provider == CUDA:
        return [(CUDA, _cuda(machine, precision))]
    if provider == TENSORRT:
        folder = engine_folder(machine, file_sha256, precision, profile)
        return [(TENSORRT, _tensorrt_options(machine, folder, precision, profile)), (CUDA, _cuda(machine, precision))]
    if provider == OPENVINO:
        folder = machine.cache / "openvino" / file_sha256[:16]
        return [(OPENVINO, {"device_type": "CPU", "cache_dir": str(folder)})]
    raise RuntimeMismatch(f"{provider!r} is none of {', '.join(KNOWN)}")


def engine_folder(machine: Machine, file_sha256: str, precision: str, profile: Profile | None) -> Path:
    """Where the TensorRT engine of this file, GPU, TensorRT version, precision and profile is kept."""
    key = "\n".join([file_sha256, machine.gpu, machine.tensorrt, precision, repr(profile)])
    return machine.cache / "tensorrt" / hashlib.sha256(key.encode()).hexdigest()[:32]


def verify_providers(wanted: Sequence[str], actual: Sequence[str]) -> None:
    """Raise RuntimeMismatch unless the session has the wanted providers, in order, before its implicit CPU."""
    if list(actual[: len(wanted)]) != list(wanted):
        raise RuntimeMismatch(f"asked for {' then '.join(wanted)}, the session has {' then '.join(actual) or 'none'}")


def _cuda(machine: Machine, precision: str) -> ProviderOptions:
    return {
        "device_id": str(machine.device_id),
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "HEURISTIC",
        "use_tf32": "0" if precision == "fp32" else "1",
    }


def _tensorrt_options(machine: Machine, folder: Path, precision: str, profile: Profile | None) -> ProviderOptions:
    options = {
        "device_id": str(machine.device_id),
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(folder.parent),
        "trt_fp16_enable": str(precision == "fp16"),
        "trt_int8_enable": str(precision == "int8"),
    }
    if profile:
        options["trt_profile_min_shapes"] = _shapes(profile.smallest)
        options["trt_profile_opt_shapes"] = _shapes(profile.usual)
        options["trt_profile_max_shapes"] = _shapes(profile.largest)
    return options


def _shapes(shapes: Shapes) -> str:
    """As ONNX Runtime reads them: "image:1x3x224x224,box:1x4"."""
    return ",".join(f"{name}:{'x'.join(map(str, shape))}" for name, shape in sorted(shapes.items()))


def _gpu(device_id: int) -> str:
    query = ["nvidia-smi", f"--id={device_id}", "--query-gpu=name,compute_cap", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def _tensorrt() -> str:
    for name in ("tensorrt", "tensorrt-cu12", "tensorrt-cu13"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""
