"""Image quality: a score in 0..1 (1 is best), decided at one operating point.

Options of `[findings.options]`:
output               name of the output; the mean of its values is the score of the series ("score")
undetermined_margin  within this distance of the threshold the answer is "undetermined" (0.0)
"""

from collections.abc import Mapping

import numpy as np

from appliance.domain.coding import NO_UNITS, UNDETERMINED
from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.finding import Evaluation, Finding, Measurement, Outcome
from appliance.domain.image import Array, Prepared, Source
from appliance.domain.model_package import ModelPackage
from appliance.findings import codes
from appliance.findings.families import Family, option, output_named


def interpret(
    outputs: Mapping[str, Array],
    prepared: Prepared,
    source: Source,
    package: ModelPackage,
    *,
    source_index: int = 0,
) -> tuple[Finding, ...]:
    """Diagnostic or limited quality (RadLex), and the score it was decided from."""
    values = output_named(outputs, option(package, "output", "score"))
    if values.size == 0 or values.min() < 0 or values.max() > 1:
        raise RuntimeMismatch("a quality score lies in 0..1")
    if len(package.operating_points) != 1:
        raise ManifestInvalid("a quality model has exactly one operating point", where=package.identity)
    score, point = float(values.mean(dtype=np.float64)), package.operating_points[0]
    if abs(score - point.threshold) < option(package, "undetermined_margin", 0.0):
        value, outcome = UNDETERMINED, Outcome.LIMITED
    elif score >= point.threshold:
        value, outcome = codes.DIAGNOSTIC_QUALITY, Outcome.NEGATIVE
    else:
        value, outcome = codes.LIMITED_QUALITY, Outcome.LIMITED
    return (
        Evaluation(
            concept=codes.IMAGE_QUALITY,
            value=value,
            outcome=outcome,
            operating_point=point,
            source_index=source_index,
        ),
        Measurement(concept=codes.QUALITY_SCORE, value=score, unit=NO_UNITS, source_index=source_index),
    )


FAMILY = Family(name="quality", options=frozenset({"output", "undetermined_margin"}), interpret=interpret)
