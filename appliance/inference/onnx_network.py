"""One ONNX file as a loaded network."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import onnxruntime

from appliance.domain.errors import MemoryShort, ModelFileChanged, RuntimeMismatch, WeightsMissing
from appliance.domain.image import Array
from appliance.inference.providers import ProviderOptions, verify_providers
from appliance.inference.strategy import TensorSpec


class OnnxNetwork:
    """A session of ONNX Runtime; `run` may be called from several threads at once."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.inputs = tuple(_spec(item) for item in session.get_inputs())
        self.outputs = tuple(_spec(item) for item in session.get_outputs())
        self.metadata: Mapping[str, str] = MappingProxyType(dict(session.get_modelmeta().custom_metadata_map))
        self.providers: tuple[str, ...] = tuple(session.get_providers())
        self._shrink = onnxruntime.RunOptions()
        self._shrink.add_run_config_entry("memory.enable_memory_arena_shrinkage", _arenas(self.providers))

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name; working memory goes back afterwards, only the weights stay.

        Raises RuntimeMismatch when the graph does not take the feeds or fails on them.
        """
        names = [spec.name for spec in self.outputs]
        try:
            values = self._session.run(names, dict(feeds), self._shrink)
        except Exception as error:  # its exceptions have no base of their own
            raise _translated(error, "the network does not run") from error
        return dict(zip(names, values, strict=True))


def load_network(
    path: Path, sha256: str, providers: Sequence[tuple[str, ProviderOptions]], threads: int = 0
) -> OnnxNetwork:
    """Verify the file, then make a session of the very bytes that were verified.

    threads: of one call inside the session; 0 leaves it to ONNX Runtime (one per core).
    Raises WeightsMissing, ModelFileChanged, or RuntimeMismatch when the file does not load or another provider than
    the one asked for took over.
    """
    content = _verified(path, sha256)
    try:
        session = onnxruntime.InferenceSession(
            content, _options(threads), providers=list(providers), enable_fallback=False
        )
    except Exception as error:  # its exceptions have no base of their own
        raise _translated(error, f"{path.name} does not load") from error
    verify_providers([name for name, _ in providers], session.get_providers())
    return OnnxNetwork(session)


def _verified(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise WeightsMissing(f"{path.name} is not there", where=path.name) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelFileChanged(f"{path.name} has another sha256", where=path.name)
    return content


def _options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _arenas(providers: Sequence[str]) -> str:
    gpu = any(name.startswith(("CUDA", "Tensorrt")) for name in providers)
    return "cpu:0;gpu:0" if gpu else "cpu:0"


def _spec(item: Any) -> TensorSpec:
    shape = tuple(n if isinstance(n, int) else None for n in item.shape)
    return TensorSpec(name=item.name, shape=shape, dtype=item.type)


def _translated(error: Exception, what: str) -> MemoryShort | RuntimeMismatch:
    """Only the first line is taken: what follows are stack frames of the library."""
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]
    if isinstance(error, MemoryError) or "allocate memory" in reason or "bad allocation" in reason:
        return MemoryShort(f"{what}: {reason}")
    return RuntimeMismatch(f"{what}: {reason}")
