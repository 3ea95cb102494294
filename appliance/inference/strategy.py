"""What a strategy is: how a prepared image goes through the networks of a stage.

Outputs carry the names that the network gives them and have no batch axis. A spatial output lies on the grid of the
prepared image, [channel, *spatial], so that `GridImage.to_source` brings it back; strategies that see only a part of
the grid put their results in their place on it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.image import Array, Prepared
from appliance.domain.model_package import Option


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """An input or output as the graph declares it; a dynamic axis is None."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Network(Protocol):
    """A loaded graph. `metadata` is the custom metadata of the file (character tables, label lists)."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Inputs in the order of the graph."""
        ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Outputs in the order of the graph."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """Custom metadata of the model file."""
        ...

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name. Raises RuntimeMismatch when the graph does not take `feeds`."""
        ...


Networks = Mapping[str, Network]
"""The networks of a stage by role ("model"; "encoder" and "decoder")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A named way to run a stage: the roles it needs, the options a manifest may give it, and the function."""

    name: str
    roles: tuple[str, ...]
    options: frozenset[str]
    run: Callable[[Networks, Prepared, Mapping[str, Option]], Mapping[str, Array]]


def only_input(network: Network) -> TensorSpec:
    """The one input of a network. Raises RuntimeMismatch if it has several."""
    if len(network.inputs) != 1:
        raise RuntimeMismatch(f"the network has {len(network.inputs)} inputs where the strategy feeds one")
    return network.inputs[0]


def number(options: Mapping[str, Option], name: str, default: float) -> float:
    """A numeric option. Raises ManifestInvalid if it is something else."""
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ManifestInvalid(f"`{name}` must be a number", where="stages.options")
    return float(value)


def choice(options: Mapping[str, Option], name: str, allowed: tuple[str, ...]) -> str:
    """A text option out of `allowed`, the first of which is the default. Raises ManifestInvalid for another."""
    value = options.get(name, allowed[0])
    if not isinstance(value, str) or value not in allowed:
        raise ManifestInvalid(f"`{name}` must be one of {', '.join(allowed)}", where="stages.options")
    return value


def numbers(options: Mapping[str, Option], name: str, length: int) -> tuple[float, ...] | None:
    """An option that is a list of `length` numbers, or None when it is not given. Raises ManifestInvalid."""
    value = options.get(name)
    if value is None:
        return None
    return as_numbers(value, name, length)


def as_numbers(value: Option, name: str, length: int) -> tuple[float, ...]:
    """`value` as `length` numbers. Raises ManifestInvalid if it is something else."""
    if isinstance(value, tuple) and len(value) == length:
        found = [float(item) for item in value if isinstance(item, int | float) and not isinstance(item, bool)]
        if len(found) == length:
            return tuple(found)
    raise ManifestInvalid(f"`{name}` must be {length} numbers", where="stages.options")
