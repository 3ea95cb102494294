"""Conditions held against the facts of a study, with the reason where they do not hold."""

from collections.abc import Sequence

from appliance.domain.conditions import AllOf, AnyOf, Condition, Negation, SomeSeries
from appliance.selection.criteria import refusal
from appliance.selection.facts import Facts
from appliance.selection.wording import sentence


def unmet(condition: Condition, here: Facts, everywhere: Sequence[Facts]) -> str | None:
    """Why the condition does not hold on the series with the facts `here`, or None if it does.

    everywhere: the facts of all series of the study, for `SomeSeries`.
    """
    match condition:
        case AllOf(parts):
            return next((reason for part in parts if (reason := unmet(part, here, everywhere))), None)
        case AnyOf(parts):
            reasons = [unmet(part, here, everywhere) for part in parts]
            return None if None in reasons else f"none of these: {'; '.join(filter(None, reasons))}"
        case Negation(part):
            return None if unmet(part, here, everywhere) else f"{sentence(part)}, which is excluded"
        case SomeSeries(part):
            reasons = [unmet(part, there, everywhere) for there in everywhere]
            return None if None in reasons else f"no series of the study: {sentence(part)}"
        case _:
            return refusal(condition, here)
