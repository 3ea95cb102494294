"""Which packages a study is meant for, and where their results go."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.domain.conditions import AllOf
from appliance.domain.hours import Hours
from appliance.domain.identifiers import SeriesInstanceUID
from appliance.domain.model_package import ModelPackage
from appliance.domain.selection import Rule
from appliance.domain.study import Study
from appliance.domain.workitem import Priority
from appliance.selection.conditions import unmet
from appliance.selection.facts import facts_of

_ORDER = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)
SWITCHED_OFF = "the rule is switched off"
NO_SERIES = "the study has no series"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """One rule held against one study: the series that meet it, or the different reasons why none does."""

    rule: Rule
    series: tuple[SeriesInstanceUID, ...]
    reasons: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the rule holds for the study."""
        return bool(self.series)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the rules together ask of one package on one study."""

    rules: tuple[str, ...]
    destinations: tuple[str, ...]
    priority: Priority
    language: str | None
    run_between: Hours | None = None


def rulings(study: Study, rules: Sequence[Rule]) -> tuple[Ruling, ...]:
    """Every rule against the study, in file order."""
    return tuple(_rulings(study, rules))


def _rulings(study: Study, rules: Sequence[Rule]) -> Iterator[Ruling]:
    everywhere = facts_of(study)
    for rule in rules:
        if not rule.enabled:
            yield Ruling(rule=rule, series=(), reasons=(SWITCHED_OFF,))
            continue
        found = [unmet(AllOf(rule.when), here, everywhere) for here in everywhere]
        meeting = tuple(s.series_instance_uid for s, reason in zip(study.series, found, strict=True) if reason is None)
        reasons = () if meeting else tuple(dict.fromkeys(reason for reason in found if reason)) or (NO_SERIES,)
        yield Ruling(rule=rule, series=meeting, reasons=reasons)


def matching(study: Study, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules of which some series of the study meets all conditions, in file order."""
    return tuple(ruling.rule for ruling in rulings(study, rules) if ruling.holds)


def request_for(package: ModelPackage, matched: Sequence[Rule]) -> Request | None:
    """What `matched` rules ask of the package: the union of their destinations, the highest priority, the first
    language, and hours only if every one of them has hours (then those of the first).

    None if no rule asks for it.
    """
    asking = [rule for rule in matched if _asks(rule, package)]
    if not asking:
        return None
    hours = [rule.run_between for rule in asking]
    return Request(
        rules=tuple(rule.name for rule in asking),
        destinations=tuple(dict.fromkeys(name for rule in asking for name in rule.destinations)),
        priority=min((rule.priority for rule in asking), key=_ORDER.index),
        language=next((rule.language for rule in asking if rule.language), None),
        run_between=None if None in hours else hours[0],
    )


def _asks(rule: Rule, package: ModelPackage) -> bool:
    return package.name in rule.models or ("*" in rule.models and not package.selection.on_request_only)
