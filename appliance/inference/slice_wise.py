"""A two-dimensional network over the slices of a volume, in batches."""

import itertools
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.image import Array, Prepared
from appliance.domain.model_package import Option
from appliance.inference.strategy import Network, Networks, Strategy, choice, number, only_input

_AGGREGATES: Mapping[str, Callable[..., Array]] = {"mean": np.mean, "max": np.max}


def run(networks: Networks, prepared: Prepared, options: Mapping[str, Option]) -> Mapping[str, Array]:
    """Run the slices along the first spatial axis of [channel, slice, row, column].

    Options: `first` and `last`, the shares of the stack between which slices are taken (0 and 1: all of it);
    `maximum`, at most so many slices, evenly spread; `batch`, slices per call (8; a fixed batch axis of the network
    wins); `aggregate`, "none", "mean" or "max" over the slices.
    Without aggregate an output that is an image per slice becomes [channel, slice, row, column], for which all slices
    must be taken, and a vector per slice becomes [slice, value]. With it, vectors become [value].
    Raises RuntimeMismatch when an output has another form, or lies on another plane than the prepared grid.
    """
    image = prepared.image
    if len(image.spatial_shape) != 3:
        raise ManifestInvalid("slice_wise needs a volume", where="stages.strategy")
    chosen = _slices(image.spatial_shape[0], options)
    stacks = _per_slice(networks["model"], image.values, chosen, int(number(options, "batch", 8)))
    aggregate = choice(options, "aggregate", ("none", "mean", "max"))
    if aggregate != "none":
        return {name: _aggregated(name, stack, aggregate) for name, stack in stacks.items()}
    return {name: _stacked(name, stack, image.spatial_shape) for name, stack in stacks.items()}


def _slices(count: int, options: Mapping[str, Option]) -> npt.NDArray[np.intp]:
    """Indices of the slices to run, ascending; at least one."""
    first, last = number(options, "first", 0.0), number(options, "last", 1.0)
    if not 0.0 <= first < last <= 1.0:
        raise ManifestInvalid("0 <= first < last <= 1 does not hold", where="stages.options")
    start = min(int(np.floor(first * count + 1e-9)), count - 1)
    stop = max(start + 1, int(np.ceil(last * count - 1e-9)))
    maximum = int(number(options, "maximum", count))
    if maximum < 1:
        raise ManifestInvalid("`maximum` must be at least 1", where="stages.options")
    taken = min(maximum, stop - start)
    centres = (np.arange(taken) + 0.5) * (stop - start) / taken
    return start + np.floor(centres).astype(np.intp)


def _per_slice(network: Network, values: Array, chosen: npt.NDArray[np.intp], batch: int) -> dict[str, Array]:
    """Every output as [slice, ...]; a slice that equals the one before (empty borders) is not run again."""
    spec = only_input(network)
    size = spec.shape[0] or max(1, batch)
    new = np.array([True, *(not np.array_equal(values[:, a], values[:, b]) for a, b in itertools.pairwise(chosen))])
    answer_of = np.cumsum(new) - 1
    collected: dict[str, list[Array]] = {}
    for feed, real in _batches(values, chosen[new], size, fixed=spec.shape[0] is not None):
        for name, output in network.run({spec.name: feed}).items():
            if output.ndim < 1 or output.shape[0] != feed.shape[0]:
                raise RuntimeMismatch(f"output {name!r} has no batch axis")
            collected.setdefault(name, []).append(output[:real])
    return {name: np.concatenate(parts)[answer_of] for name, parts in collected.items()}


def _batches(values: Array, chosen: npt.NDArray[np.intp], size: int, *, fixed: bool) -> Iterator[tuple[Array, int]]:
    """[slice, channel, row, column] and how many of it count; where the batch is fixed the last slice is repeated."""
    for start in range(0, len(chosen), size):
        indices = chosen[start : start + size]
        padded = np.pad(indices, (0, size - len(indices)), mode="edge") if fixed else indices
        feed = np.ascontiguousarray(np.moveaxis(values[:, padded], 1, 0), dtype=np.float32)
        yield feed, len(indices)


def _aggregated(name: str, stack: Array, aggregate: str) -> Array:
    if stack.ndim != 2:
        raise RuntimeMismatch(f"output {name!r} of shape {stack.shape[1:]} per slice has no {aggregate} over slices")
    return np.asarray(_AGGREGATES[aggregate](stack, axis=0), dtype=stack.dtype)


def _stacked(name: str, stack: Array, grid: tuple[int, ...]) -> Array:
    if stack.ndim == 2:
        return stack
    if stack.ndim != 4 or (stack.shape[0], *stack.shape[2:]) != grid:
        raise RuntimeMismatch(f"output {name!r} of shape {stack.shape} does not cover the grid {grid} slice by slice")
    return np.ascontiguousarray(np.moveaxis(stack, 0, 1))


STRATEGY = Strategy(
    name="slice_wise",
    roles=("model",),
    options=frozenset({"first", "last", "maximum", "batch", "aggregate"}),
    run=run,
)
