"""Conditions and rules in plain words."""

from collections.abc import Iterator

from appliance.domain.conditions import AllOf, AnyOf, Condition, Negation, SomeSeries
from appliance.domain.hours import EVERY_DAY, Hours
from appliance.domain.model_package import Criterion
from appliance.domain.selection import Rule
from appliance.domain.workitem import Priority

EVERY = "*"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LANGUAGES = {"en": "English", "de": "German"}
_URGENCY = {Priority.HIGH: "at once, at any hour", Priority.MEDIUM: "in turn", Priority.LOW: "after everything else"}


def sentence(condition: Condition) -> str:
    """A condition in words."""
    match condition:
        case AllOf(parts):
            return _joined(" and ", parts)
        case AnyOf(parts):
            return _joined(" or ", parts)
        case Negation(part):
            return f"not ({sentence(part)})"
        case SomeSeries(part):
            return f"some series of the study has ({sentence(part)})"
        case _:
            return _criterion(condition)


def rule_in_words(rule: Rule) -> Iterator[str]:
    """What a rule means, a line for each part of it."""
    if not rule.enabled:
        yield "It is switched off: it never holds."
    if rule.comment:
        yield f"Comment: {rule.comment}"
    yield f"When: {' and '.join(map(sentence, rule.when))}, on one and the same series." if rule.when else "Always."
    yield f"Run: {_named(rule.models, 'every active model that need not be asked for by name')}."
    yield f"Send the results to: {_named(rule.destinations, 'every destination')}."
    yield f"Priority: {rule.priority}, {_URGENCY[rule.priority]}."
    if rule.language:
        yield f"Language of the report: {_LANGUAGES.get(rule.language, rule.language)}."
    if rule.run_between:
        yield f"Start the work only {hours_in_words(rule.run_between)}."


def hours_in_words(hours: Hours) -> str:
    """Hours as a person says them."""
    days = "" if hours.days == EVERY_DAY else f" beginning on {', '.join(DAYS[day] for day in hours.days)}"
    return f"between {hours.start:%H:%M} and {hours.end:%H:%M} ({hours.zone}){days}"


def _named(names: tuple[str, ...], everything: str) -> str:
    if not names:
        return "nowhere but the node itself"
    return everything if EVERY in names else ", ".join(names)


def _joined(word: str, parts: tuple[Condition, ...]) -> str:
    texts = [sentence(part) for part in parts]
    return texts[0] if len(texts) == 1 else f"({word.join(texts)})"


def _criterion(criterion: Criterion) -> str:
    if criterion.exists is False:
        return f"{criterion.keyword} is absent"
    parts = [*_values(criterion), *_texts(criterion)]
    return f"{criterion.keyword} {', '.join(parts) or 'is present'}{' (or absent)' if criterion.absent_ok else ''}"


def _values(criterion: Criterion) -> Iterator[str]:
    if criterion.one_of:
        yield f"is {' or '.join(criterion.one_of)}"
    if criterion.none_of:
        yield f"is not {' or '.join(criterion.none_of)}"
    if criterion.minimum is not None:
        yield f"at least {criterion.minimum:g}"
    if criterion.maximum is not None:
        yield f"at most {criterion.maximum:g}"


def _texts(criterion: Criterion) -> Iterator[str]:
    if criterion.matches is not None:
        yield f"matches {criterion.matches}"
    if criterion.excludes is not None:
        yield f"does not match {criterion.excludes}"
    if criterion.within:
        yield f"is within {' or '.join(criterion.within)}"
