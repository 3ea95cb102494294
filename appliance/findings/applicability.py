"""What is said of an analysis that somebody had run on a series that the model was not made for."""

from collections.abc import Sequence

from appliance.domain.finding import Evaluation, Outcome
from appliance.findings import codes


def criteria_not_met(unmet: Sequence[str]) -> Evaluation:
    """The remark that the results carry: which criteria of the model the series does not meet."""
    return Evaluation(
        concept=codes.SELECTION_CRITERIA,
        value=codes.CRITERIA_NOT_MET,
        outcome=Outcome.LIMITED,
        explanation="; ".join(unmet),
    )
