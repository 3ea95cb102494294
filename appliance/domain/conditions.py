"""Conditions of rules: criteria on one series, and what combines them."""

from dataclasses import dataclass

from appliance.domain.model_package import Criterion


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds on the same series."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds on the series."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold on the series."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class SomeSeries:
    """The part holds on some series of the study, this one or another."""

    part: "Condition"


Condition = Criterion | AllOf | AnyOf | Negation | SomeSeries
