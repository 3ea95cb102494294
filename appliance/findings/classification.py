"""Classification: a probability per label, decided at the operating points of the manifest.

Options of `[findings.options]`:
output               name of the output, one value per class ("probabilities")
activation           "none": they are probabilities; "sigmoid" or "softmax": they are logits
undetermined_margin  within this distance of the threshold the answer is "undetermined" (0.0)

A label's value is its place in the output. Its operating point is the one of its name, or the only one there is.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import expit, softmax

from appliance.domain.coding import ABSENT, PRESENT, UNDETERMINED
from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.finding import Evaluation, OperatingPoint, Outcome
from appliance.domain.image import Array, Prepared, Source
from appliance.domain.model_package import Label, ModelPackage
from appliance.findings.families import Family, choice, option, output_named


def interpret(
    outputs: Mapping[str, Array],
    prepared: Prepared,
    source: Source,
    package: ModelPackage,
    *,
    source_index: int = 0,
) -> tuple[Evaluation, ...]:
    """One evaluation per label: present, absent (the coded negative) or undetermined, with its probability."""
    values = output_named(outputs, option(package, "output", "probabilities")).ravel().astype(np.float64)
    probabilities = _activated(values, package)
    margin = option(package, "undetermined_margin", 0.0)
    return tuple(
        _evaluated(label, _at(probabilities, label), operating_point(package, label), margin, source_index)
        for label in package.labels
    )


def operating_point(package: ModelPackage, label: Label) -> OperatingPoint:
    """Where the manifest says that this label is decided."""
    for point in package.operating_points:
        if point.name == label.name:
            return point
    if len(package.operating_points) == 1:
        return package.operating_points[0]
    raise ManifestInvalid(f"no operating point for the label {label.name!r}", where=package.identity)


def _activated(values: Array, package: ModelPackage) -> Array:
    activation = choice(package, "activation", ("none", "sigmoid", "softmax"))
    if activation == "softmax":
        return np.asarray(softmax(values))
    if activation == "sigmoid":
        return np.asarray(expit(values))
    if values.min(initial=0.0) < -1e-6 or values.max(initial=0.0) > 1 + 1e-6:
        raise RuntimeMismatch("an output that should hold probabilities leaves the range 0 to 1")
    return np.clip(values, 0.0, 1.0)


def _at(probabilities: Array, label: Label) -> float:
    if not 0 <= label.value < probabilities.size:
        raise RuntimeMismatch(f"the output has {probabilities.size} values, the label {label.name!r} is {label.value}")
    return float(probabilities[label.value])


def _evaluated(label: Label, probability: float, point: OperatingPoint, margin: float, source_index: int) -> Evaluation:
    if abs(probability - point.threshold) < margin:
        value, outcome = UNDETERMINED, Outcome.LIMITED
    elif probability >= point.threshold:
        value, outcome = PRESENT, Outcome.POSITIVE
    else:
        value, outcome = ABSENT, Outcome.NEGATIVE
    return Evaluation(
        concept=label.property_type,
        value=value,
        outcome=outcome,
        probability=probability,
        operating_point=point,
        source_index=source_index,
    )


FAMILY = Family(
    name="classification",
    options=frozenset({"output", "activation", "undetermined_margin"}),
    interpret=interpret,
)
