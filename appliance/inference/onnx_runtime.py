"""The port Runtime on ONNX Runtime: a package's stage, its strategy, and the networks for it."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import onnxruntime

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.image import Array, Prepared
from appliance.domain.model_package import ModelPackage, Stage
from appliance.inference.onnx_network import OnnxNetwork, load_network
from appliance.inference.providers import CPU, Machine, provider_chain, this_machine
from appliance.inference.sessions import Sessions
from appliance.inference.strategies import STRATEGIES
from appliance.inference.strategy import Network

_LOG = logging.getLogger(__name__)
_MIB = 2**20
_RESIDENT_FACTOR = 2
"""A session holds its weights, and once more what optimisation folded or packed of them."""


class OnnxRuntime:
    """Runs packages on ONNX Runtime; to be shared by all threads of a process.

    memory_budget_mib: for all resident networks together, by the larger of the manifest's figure and the files' size.
    providers: those that this node may use; a package gets the first of its own list that is among them.
    threads: of one network call; 0 for one per core. cache: folder for TensorRT and OpenVINO engines.
    """

    def __init__(
        self, *, memory_budget_mib: int, cache: Path, providers: Sequence[str] = (CPU,), threads: int = 0
    ) -> None:
        self._sessions = Sessions(memory_budget_mib)
        self._allowed = tuple(providers)
        self._threads = threads
        self._machine = Machine(cache=cache) if self._allowed == (CPU,) else this_machine(cache)

    def run(self, package: ModelPackage, stage: Stage, prepared: Prepared) -> Mapping[str, Array]:
        """Outputs of one stage; see the strategy for their meaning.

        Raises ManifestInvalid, WeightsMissing, ModelFileChanged, RuntimeMismatch (also for an output that is not a
        number) or MemoryShort.
        """
        strategy = STRATEGIES.get(stage.strategy)
        if strategy is None or any(role not in stage.networks for role in strategy.roles):
            raise ManifestInvalid(f"strategy {stage.strategy!r} lacks networks or does not exist", where=stage.name)
        with ExitStack() as leases:
            networks = {role: leases.enter_context(self.network(package, key)) for role, key in stage.networks.items()}
            outputs = strategy.run(networks, prepared, stage.options)
        _check_finite(outputs, f"{package.identity}/{stage.name}")
        return outputs

    @contextmanager
    def network(self, package: ModelPackage, key: str) -> Iterator[Network]:
        """The network of one file of the package, loaded for the block. Errors as for `run`."""
        file = package.files[key]
        provider = self._provider(package)
        precision = package.runtime.precision
        path = package.folder / file.path
        chain = provider_chain(provider, self._machine, file_sha256=file.sha256, precision=precision)

        def load() -> OnnxNetwork:
            for _, options in chain:
                _make_folders(options)
            network = load_network(path, file.sha256, chain, self._threads)
            _LOG.info("loaded %s of %s on %s", key, package.identity, network.providers[0])
            return network

        identity = (file.sha256, provider, precision)
        with self._sessions.lease(identity, _memory_mib(package, path), load) as network:
            yield network

    @property
    def resident_mib(self) -> int:
        """Memory that resident networks are counted with."""
        return self._sessions.resident_mib

    def _provider(self, package: ModelPackage) -> str:
        """First provider of the package that this node allows and this build of ONNX Runtime has."""
        built = onnxruntime.get_available_providers()
        for provider in package.runtime.providers:
            if provider in self._allowed and provider in built:
                return provider
        wanted = ", ".join(package.runtime.providers)
        raise RuntimeMismatch(f"none of {wanted} is allowed and installed here", where=package.identity)


def _memory_mib(package: ModelPackage, path: Path) -> int:
    """Share of the package's declared memory, but not less than what the weights need."""
    size = path.stat().st_size if path.is_file() else 0
    share = -(-package.runtime.memory_mib // max(1, len(package.files)))
    return int(max(share, -(-size * _RESIDENT_FACTOR // _MIB)))


def _make_folders(options: Mapping[str, str]) -> None:
    for name in ("trt_engine_cache_path", "trt_timing_cache_path", "cache_dir"):
        if name in options:
            Path(options[name]).mkdir(parents=True, exist_ok=True)


def _check_finite(outputs: Mapping[str, Array], where: str) -> None:
    for name, value in outputs.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise RuntimeMismatch(f"output {name!r} holds values that are not numbers", where=where)
