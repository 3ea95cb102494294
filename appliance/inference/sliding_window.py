"""A three-dimensional network over a volume larger than its window; overlapping answers are blended.

The Gaussian weight follows Isensee et al., "nnU-Net" (Nature Methods 2021): the centre of a window, where the network
sees most context, counts most. Memory: one float32 accumulator per output channel, and one batch of windows.
"""

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.image import Array, Prepared
from appliance.domain.model_package import Option
from appliance.inference.strategy import Network, Networks, Strategy, choice, number, numbers, only_input

Window = tuple[slice, ...]
_LEAST_WEIGHT = 1e-3
"""Corners of a window keep this share of the weight of its centre, so that no element is divided by almost nothing."""


def run(networks: Networks, prepared: Prepared, options: Mapping[str, Option]) -> Mapping[str, Array]:
    """Cover the grid with windows and return every output as [channel, *spatial].

    Options: `window`, its size per axis (needed where the network leaves it open); `overlap`, the share of a window
    that its neighbour also covers (0.5); `blend`, "gaussian" or "constant"; `sigma`, the Gaussian's deviation as a
    share of the window (0.125); `batch`, windows per call (1); `fill`, the value around a grid smaller than the
    window (0).
    Raises RuntimeMismatch when an output is not on the window's grid.
    """
    network = networks["model"]
    values = prepared.image.values
    size = _window_size(network, options, values.ndim - 1)
    padded, inner = _at_least(values, size, number(options, "fill", 0.0))
    weight = _weight(size, choice(options, "blend", ("gaussian", "constant")), number(options, "sigma", 0.125))
    windows = _windows(padded.shape[1:], size, _overlap(options))
    blended = _blend(network, padded, windows, weight, int(number(options, "batch", 1)))
    return {name: np.ascontiguousarray(output[(slice(None), *inner)]) for name, output in blended.items()}


def _window_size(network: Network, options: Mapping[str, Option], axes: int) -> tuple[int, ...]:
    declared = only_input(network).shape[2:]
    given = numbers(options, "window", axes)
    size = tuple(int(n) for n in given) if given else declared
    if len(declared) != axes or any(n is None or n < 1 for n in size):
        raise ManifestInvalid("`window` must give one size per axis of the grid", where="stages.options")
    if any(fixed is not None and fixed != n for fixed, n in zip(declared, size, strict=True)):
        raise RuntimeMismatch(f"the network takes windows of {declared}, not {size}")
    return tuple(n for n in size if n is not None)


def _overlap(options: Mapping[str, Option]) -> float:
    overlap = number(options, "overlap", 0.5)
    if not 0.0 <= overlap < 1.0:
        raise ManifestInvalid("0 <= overlap < 1 does not hold", where="stages.options")
    return overlap


def _at_least(values: Array, size: tuple[int, ...], fill: float) -> tuple[Array, Window]:
    """`values` padded about its centre to at least the window, and where it lies in the result."""
    missing = [max(0, n - old) for n, old in zip(size, values.shape[1:], strict=True)]
    borders = [(m // 2, m - m // 2) for m in missing]
    inner = tuple(slice(before, before + n) for (before, _), n in zip(borders, values.shape[1:], strict=True))
    if not any(missing):
        return values, inner
    return np.pad(values, [(0, 0), *borders], constant_values=fill), inner


def _windows(shape: tuple[int, ...], size: tuple[int, ...], overlap: float) -> list[Window]:
    """Windows that cover `shape` to its borders, evenly spread, neighbours overlapping by at least `overlap`."""
    starts = [_starts(length, n, overlap) for length, n in zip(shape, size, strict=True)]
    corners = itertools.product(*starts)
    return [tuple(slice(start, start + n) for start, n in zip(corner, size, strict=True)) for corner in corners]


def _starts(length: int, size: int, overlap: float) -> list[int]:
    step = max(1, int(size * (1.0 - overlap)))
    count = -(-(length - size) // step) + 1
    return [round(i * (length - size) / (count - 1)) if count > 1 else 0 for i in range(count)]


def _weight(size: tuple[int, ...], blend: str, sigma: float) -> npt.NDArray[np.float32]:
    if blend == "constant":
        return np.ones(size, dtype=np.float32)
    if sigma <= 0:
        raise ManifestInvalid("`sigma` must be above 0", where="stages.options")
    weight: npt.NDArray[np.float64] = np.ones(size)
    for axis, n in enumerate(size):
        distance = (np.arange(n) - (n - 1) / 2) / (sigma * n)
        shape = [-1 if a == axis else 1 for a in range(len(size))]
        weight = weight * np.exp(-0.5 * distance**2).reshape(shape)
    return np.asarray(np.maximum(weight / weight.max(), _LEAST_WEIGHT), dtype=np.float32)


def _blend(
    network: Network, values: Array, windows: list[Window], weight: npt.NDArray[np.float32], batch: int
) -> dict[str, Array]:
    total: dict[str, Array] = {}
    weights = np.zeros(values.shape[1:], dtype=np.float32)
    for window, outputs in _answers(network, values, windows, batch):
        weights[window] += weight
        for name, output in outputs.items():
            if output.shape[1:] != weight.shape:
                raise RuntimeMismatch(f"output {name!r} of shape {output.shape} is not on the window {weight.shape}")
            if name not in total:
                total[name] = np.zeros((output.shape[0], *values.shape[1:]), dtype=np.float32)
            total[name][(slice(None), *window)] += output * weight
    for output in total.values():
        output /= weights
    return total


def _answers(
    network: Network, values: Array, windows: list[Window], batch: int
) -> Iterator[tuple[Window, dict[str, Array]]]:
    """Each window with the outputs for it, [channel, *window]; a fixed batch axis of the network wins."""
    spec = only_input(network)
    size = spec.shape[0] or max(1, batch)
    for start in range(0, len(windows), size):
        group = windows[start : start + size]
        filled = [*group, *[group[-1]] * (size - len(group))] if spec.shape[0] else group
        feed = np.stack([values[(slice(None), *window)] for window in filled]).astype(np.float32, copy=False)
        outputs = network.run({spec.name: feed})
        for index, window in enumerate(group):
            yield window, {name: output[index] for name, output in outputs.items()}


STRATEGY = Strategy(
    name="sliding_window",
    roles=("model",),
    options=frozenset({"window", "overlap", "blend", "sigma", "batch", "fill"}),
    run=run,
)
