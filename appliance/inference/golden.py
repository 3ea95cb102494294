"""Does a network compute here what it computed where the package was made?

A golden case is an `.npz` of arrays `<file key>/in/<input>` and `<file key>/out/<output>`. An output may be stored
thinned, every n-th element along each axis but the first two, as `<file key>/out/<output>/<n>`.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass

import numpy as np

from appliance.domain.errors import GoldenCaseFailed, WeightsMissing
from appliance.domain.image import Array
from appliance.domain.model_package import GoldenCase, ModelPackage
from appliance.inference.onnx_runtime import OnnxRuntime


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenOutcome:
    """How far an output was from the stored one, at most, and how far it may be."""

    network: str
    output: str
    difference: float
    tolerance: float


def run_golden_cases(package: ModelPackage, runtime: OnnxRuntime) -> tuple[GoldenOutcome, ...]:
    """Run every golden case of the package.

    Raises GoldenCaseFailed at the first difference above its tolerance or case that is damaged, WeightsMissing when
    the case is not there, and what the runtime raises.
    """
    return tuple(outcome for case in package.golden for outcome in _run_case(package, case, runtime))


def _run_case(package: ModelPackage, case: GoldenCase, runtime: OnnxRuntime) -> list[GoldenOutcome]:
    arrays = _read(package, case)
    outcomes = []
    for key in sorted({name.split("/")[0] for name in arrays}):
        prefix = f"{key}/in/"
        feeds = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
        if key not in package.files or not feeds:
            raise GoldenCaseFailed(f"{case.path} names no network of the package: {key!r}", where=package.identity)
        with runtime.network(package, key) as network:
            outputs = network.run(feeds)
        stored = {name: value for name, value in arrays.items() if name.startswith(f"{key}/out/")}
        outcomes += [_compared(package, case, name, value, outputs) for name, value in stored.items()]
    if not outcomes:
        raise GoldenCaseFailed(f"{case.path} holds no outputs", where=package.identity)
    return outcomes


def _compared(
    package: ModelPackage, case: GoldenCase, stored: str, expected: Array, outputs: dict[str, Array]
) -> GoldenOutcome:
    key, _, output, *thinned = stored.split("/")
    if output not in outputs:
        raise GoldenCaseFailed(f"{key} has no output {output!r}", where=package.identity)
    actual = outputs[output]
    if thinned:
        actual = actual[(slice(None), slice(None), *[slice(None, None, int(thinned[0]))] * (actual.ndim - 2))]
    if actual.shape != expected.shape:
        raise GoldenCaseFailed(f"{key}/{output} has shape {actual.shape}, not {expected.shape}", where=package.identity)
    difference = float(np.abs(actual.astype(np.float64) - expected).max(initial=0.0))
    if not difference <= case.tolerance:
        what = f"{key}/{output} differs by {difference:.3g}, more than {case.tolerance:.3g}"
        raise GoldenCaseFailed(what, where=package.identity)
    return GoldenOutcome(network=key, output=output, difference=difference, tolerance=case.tolerance)


def _read(package: ModelPackage, case: GoldenCase) -> dict[str, Array]:
    path = package.folder / case.path
    if not path.is_file():
        raise WeightsMissing(f"{case.path} is not there", where=package.identity)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != case.sha256:
        raise GoldenCaseFailed(f"{case.path} has another sha256", where=package.identity)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, zipfile.BadZipFile, OSError) as error:
        raise GoldenCaseFailed(f"{case.path} is no readable .npz file", where=package.identity) from error
