"""Which packages a study is meant for, and where their results go."""

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.domain.model_package import ModelPackage
from appliance.domain.selection import Rule
from appliance.domain.study import Study
from appliance.domain.workitem import Priority
from appliance.selection.criteria import failing

_ORDER = (Priority.HIGH, Priority.MEDIUM, Priority.LOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the rules together ask of one package on one study."""

    rules: tuple[str, ...]
    destinations: tuple[str, ...]
    priority: Priority
    language: str | None


def matching(study: Study, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """The rules of which some series of the study meets all conditions, in file order."""
    return tuple(rule for rule in rules if any(not failing(rule.when, series) for series in study.series))


def request_for(package: ModelPackage, matched: Sequence[Rule]) -> Request | None:
    """What `matched` rules ask of the package: the union of their destinations, the highest priority, the first
    language.

    None if no rule asks for it.
    """
    asking = [rule for rule in matched if _asks(rule, package)]
    if not asking:
        return None
    return Request(
        rules=tuple(rule.name for rule in asking),
        destinations=tuple(dict.fromkeys(name for rule in asking for name in rule.destinations)),
        priority=min((rule.priority for rule in asking), key=_ORDER.index),
        language=next((rule.language for rule in asking if rule.language), None),
    )


def _asks(rule: Rule, package: ModelPackage) -> bool:
    return package.name in rule.models or ("*" in rule.models and not package.selection.on_request_only)
