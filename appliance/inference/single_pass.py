"""The whole grid through one network at once."""

from collections.abc import Mapping

import numpy as np

from appliance.domain.errors import RuntimeMismatch
from appliance.domain.image import Array, Prepared
from appliance.domain.model_package import Option
from appliance.inference.strategy import Networks, Strategy, choice, number, only_input


def run(networks: Networks, prepared: Prepared, options: Mapping[str, Option]) -> Mapping[str, Array]:
    """Feed [1, channel, *spatial] (plain features: [1, feature]) and return every output without its batch axis.

    Options: `output` = "same" (an output keeps its own shape) or "centre_crop" (the network answers for the centre of
    its input only; its outputs are padded with `fill`, 0 by default, to the grid of the prepared image).
    Raises RuntimeMismatch when the network does not take the grid, or answers for more than it.
    """
    network = networks["model"]
    values = np.ascontiguousarray(prepared.image.values, dtype=np.float32)[np.newaxis]
    outputs = {name: value[0] for name, value in network.run({only_input(network).name: values}).items()}
    if choice(options, "output", ("same", "centre_crop")) == "same":
        return outputs
    fill = number(options, "fill", 0.0)
    return {name: _on_grid(value, prepared.image.spatial_shape, fill) for name, value in outputs.items()}


def _on_grid(output: Array, grid: tuple[int, ...], fill: float) -> Array:
    """`output` [channel, *smaller] in the middle of [channel, *grid]."""
    inner = output.shape[1:]
    if len(inner) != len(grid) or any(n > size or (size - n) % 2 for n, size in zip(inner, grid, strict=True)):
        raise RuntimeMismatch(f"an output of shape {inner} has no centre place in a grid of shape {grid}")
    borders = [((size - n) // 2,) * 2 for n, size in zip(inner, grid, strict=True)]
    return np.pad(output, [(0, 0), *borders], constant_values=fill)


STRATEGY = Strategy(name="single_pass", roles=("model",), options=frozenset({"output", "fill"}), run=run)
