"""What a findings family is: the meaning of a network's outputs, named by the manifest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.finding import Finding
from appliance.domain.image import Array, Prepared, Source
from appliance.domain.model_package import ModelPackage

T = TypeVar("T", str, float, bool)


class Interpret(Protocol):
    """Outputs of the last stage to findings, in the grid of the source."""

    def __call__(
        self,
        outputs: Mapping[str, Array],
        prepared: Prepared,
        source: Source,
        package: ModelPackage,
        *,
        source_index: int = 0,
    ) -> tuple[Finding, ...]:
        """Raise RuntimeMismatch when an output is missing, has another shape, or is not finite."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """options: the names that `[findings.options]` of a manifest may hold."""

    name: str
    options: frozenset[str]
    interpret: Interpret


def output_named(outputs: Mapping[str, Array], name: str) -> Array:
    """One output, checked to be finite where it is floating point."""
    if name not in outputs:
        raise RuntimeMismatch(f"the network gave no output {name!r}, only {', '.join(sorted(outputs)) or 'nothing'}")
    values = outputs[name]
    if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
        raise RuntimeMismatch(f"output {name!r} holds values that are not numbers")
    return values


def option(package: ModelPackage, name: str, default: T) -> T:
    """An option of `[findings.options]`, of the type that its default has."""
    value = package.options.get(name, default)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        raise ManifestInvalid(f"findings.options.{name} must be a {type(default).__name__}", where=package.identity)
    return value


def choice(package: ModelPackage, name: str, allowed: tuple[str, ...]) -> str:
    """An option out of `allowed`, the first of which is the default. Raises ManifestInvalid for another."""
    value = option(package, name, allowed[0])
    if value not in allowed:
        raise ManifestInvalid(f"findings.options.{name} cannot be {value!r}", where=package.identity)
    return value


def numbers(package: ModelPackage, name: str) -> tuple[float, ...]:
    """An option that is a list of numbers; empty when the manifest has none."""
    value = package.options.get(name, ())
    if not isinstance(value, tuple) or not all(isinstance(item, int | float) for item in value):
        raise ManifestInvalid(f"findings.options.{name} must be a list of numbers", where=package.identity)
    return tuple(float(item) for item in value if isinstance(item, int | float))
