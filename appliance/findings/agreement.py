"""A sentence held strictly against the evidence it names: it may say that and nothing else."""

from collections.abc import Sequence

from appliance.domain.coding import ABSENT, LEFT, RIGHT
from appliance.domain.finding import Evaluation
from appliance.findings.claims import (
    Fact,
    names_of,
    occurrences,
    quantities_known,
    quantities_said,
    same_quantity,
    sides_known,
    sides_said,
)
from appliance.findings.phrases import Phrases


def presence_agrees(text: str, facts: Sequence[Fact], phrases: Phrases) -> bool:
    """A sentence denies exactly when all evaluations it rests on are absent; mixed evidence cannot be verified."""
    values = [fact.finding.value for fact in facts if isinstance(fact.finding, Evaluation)]
    denied = {value == ABSENT for value in values} or {False}
    return denied == {phrases.negation.search(_without_names(text, facts, phrases)) is not None}


def sides_agree(text: str, facts: Sequence[Fact], phrases: Phrases) -> bool:
    """The sides that a sentence says are those of its evidence, in the order of the evidence."""
    known = iter(sides_known(facts))
    return all(any(side == other for other in known) for side in sides_said(text, phrases))


def numbers_agree(text: str, facts: Sequence[Fact], phrases: Phrases) -> bool:
    """The numbers of a sentence are those of its evidence, rounded as printed, in the order of the evidence."""
    known = iter(quantities_known(facts))
    said = quantities_said(_without_names(text, facts, phrases), phrases)
    return all(any(same_quantity(number, other, phrases) for other in known) for number in said)


def values_agree(text: str, facts: Sequence[Fact], phrases: Phrases) -> bool:
    """The word for a coded value ("limited", "undetermined") stands exactly where the evidence has that value."""
    values = {fact.finding.value for fact in facts if isinstance(fact.finding, Evaluation)}
    rest = _without_names(text, facts, phrases)
    checked = ((value, word) for value, word in phrases.values.items() if value not in (LEFT, RIGHT))
    return not values or all((value in values) == any(occurrences(rest, word)) for value, word in checked)


def _without_names(text: str, facts: Sequence[Fact], phrases: Phrases) -> str:
    """A name may hold words like "normal" or digits of its own, and claims nothing by them."""
    for name in sorted({name for fact in facts for name in names_of(fact, phrases)}, key=len, reverse=True):
        text = text.replace(name, " ")
    return text
