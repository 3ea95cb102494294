"""A sentence without evidence, held against every finding of the study that it names.

Free text can say more than the findings do, so only what speaks against one of them is a contradiction.
"""

import re
from collections.abc import Sequence

from appliance.domain.coding import ABSENT, PRESENT
from appliance.domain.finding import Evaluation, Segment
from appliance.domain.workitem import Analysis
from appliance.findings.claims import (
    Fact,
    all_facts,
    names_of,
    occurrences,
    quantities_known,
    quantities_said,
    same_quantity,
    sides_known,
    sides_said,
)
from appliance.findings.phrases import Phrases

_REACH = 5
"""Words between a denial and the name that it denies."""


def facts_named(text: str, analyses: Sequence[Analysis], phrases: Phrases) -> tuple[Fact, ...]:
    """The findings whose structure or concept a sentence names."""
    return tuple(
        fact for fact in all_facts(analyses) if any(any(occurrences(text, name)) for name in names_of(fact, phrases))
    )


def presence_agrees(text: str, facts: Sequence[Fact], phrases: Phrases) -> bool:
    """No present structure is denied, and no absent one is stated.

    Where a sentence says a side, it says nothing of the other one.
    """
    said = set(sides_said(text, phrases))
    meant = (fact for fact in facts if not said or not (known := set(sides_known([fact]))) or known & said)
    return all(
        _denied(text, names_of(fact, phrases), phrases) == expected
        for fact in meant
        if (expected := _is_absent(fact)) is not None
    )


def sides_agree(text: str, facts: Sequence[Fact], phrases: Phrases) -> bool:
    """The sides it says are among those of the findings it names, where these have sides at all."""
    known = set(sides_known(facts))
    return not known or known.issuperset(sides_said(text, phrases))


def numbers_agree(text: str, facts: Sequence[Fact], phrases: Phrases) -> bool:
    """A number with a unit equals one of the findings it names, where these were measured in that unit."""
    known = list(quantities_known(facts))
    for number in quantities_said(text, phrases):
        comparable = [item for item in known if number.unit and item[1] == number.unit]
        if comparable and not any(same_quantity(number, item, phrases) for item in comparable):
            return False
    return True


def values_agree(text: str, facts: Sequence[Fact], phrases: Phrases) -> bool:
    """Where a finding that it names has a value with a word of its own, that word stands in the sentence."""
    values = {fact.finding.value for fact in facts if isinstance(fact.finding, Evaluation)}
    return all(any(occurrences(text, phrases.values[value])) for value in values if value in phrases.values)


def _is_absent(fact: Fact) -> bool | None:
    """Whether a fact says that what it is about is not there; None when it says nothing of that."""
    if isinstance(fact.finding, Segment):
        return False
    if isinstance(fact.finding, Evaluation) and fact.finding.value in (PRESENT, ABSENT):
        return fact.finding.value == ABSENT
    return None


def _denied(text: str, names: frozenset[str], phrases: Phrases) -> bool:
    return any(_denied_at(text, match, phrases) for name in names for match in occurrences(text, name))


def _denied_at(text: str, match: re.Match[str], phrases: Phrases) -> bool:
    before = re.split(r"[.;]", text[: match.start()])[-1]
    for word in reversed(re.findall(r"[\w']+", before)[-_REACH:]):
        if word.lower() in phrases.denial_ends:
            break
        if phrases.denial_before.fullmatch(word):
            return True
    after = re.split(r"[.;]", text[match.end() :])[0]
    nearest = " ".join(re.findall(r"[\w']+", after)[: 2 * _REACH])
    return phrases.denial_after.search(nearest) is not None
