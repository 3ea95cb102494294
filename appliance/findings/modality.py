"""Do the intensities look like what the header calls them, CT or MR?

Options of `[findings.options]`:
output   name of the output: the mean of the classifiers' votes, 0 = CT, 1 = MR ("vote")

The decision is the majority (below 0.5 is CT). A disagreement with the header is a positive finding, and a reason to
stop the analyses of the series: a model would read other values than those it was made for.
"""

from collections.abc import Mapping

from appliance.domain.coding import ABSENT, PRESENT, RATIO, UNDETERMINED
from appliance.domain.errors import RuntimeMismatch
from appliance.domain.finding import Evaluation, Finding, Measurement, Outcome
from appliance.domain.image import Array, Prepared, Source
from appliance.domain.model_package import ModelPackage
from appliance.findings import codes
from appliance.findings.families import Family, option, output_named

MAJORITY = 0.5


def interpret(
    outputs: Mapping[str, Array],
    prepared: Prepared,
    source: Source,
    package: ModelPackage,
    *,
    source_index: int = 0,
) -> tuple[Finding, ...]:
    """Contradicted or not, with the share of votes for the answer as probability; undetermined for other modalities."""
    values = output_named(outputs, option(package, "output", "vote"))
    if values.size != 1 or not 0 <= float(values.ravel()[0]) <= 1:
        raise RuntimeMismatch("the vote on the modality is one number in 0..1")
    for_mr = float(values.ravel()[0])
    seen, share = ("CT", 1 - for_mr) if for_mr < MAJORITY else ("MR", for_mr)
    if source.modality not in ("CT", "MR"):
        value, outcome = UNDETERMINED, Outcome.LIMITED
    elif seen == source.modality:
        value, outcome, share = ABSENT, Outcome.NEGATIVE, 1 - share
    else:
        value, outcome = PRESENT, Outcome.POSITIVE
    return (
        Evaluation(
            concept=codes.MODALITY_CONTRADICTED,
            value=value,
            outcome=outcome,
            probability=None if value == UNDETERMINED else share,
            explanation=f"The intensities read as {seen}, the header says {source.modality}",
            source_index=source_index,
        ),
        Measurement(concept=codes.CT_LIKELIHOOD, value=1 - for_mr, unit=RATIO, source_index=source_index),
    )


FAMILY = Family(name="modality", options=frozenset({"output"}), interpret=interpret)
