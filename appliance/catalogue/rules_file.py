"""The text of the rules: study -> models -> destinations, as TOML.

schema = 1
[[rules]]
name = "chest X-ray at night"
when = [{ keyword = "Modality", one_of = ["CR", "DX"] }, { not = { keyword = "StationName", matches = "(?i)test" } }]
models = ["cxr-lungs", "burnt-in-text"]
destinations = ["pacs"]
priority = "LOW"
run_between = { from = "20:00", to = "06:00", zone = "Europe/Berlin" }
"""

import tomllib
import zoneinfo
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from appliance.catalogue.manifest_tables import Table, Text, complaints
from appliance.catalogue.rule_conditions import ConditionReader, PatternProblem
from appliance.catalogue.toml_lines import TomlLines
from appliance.domain.errors import RulesInvalid
from appliance.domain.hours import EVERY_DAY, Hours
from appliance.domain.rule_problem import RuleProblem
from appliance.domain.selection import Rule
from appliance.domain.workitem import Priority

LARGEST = 1 << 18
"""Characters; a longer text is refused unread."""
MOST_DOTS = 200
"""In one line; the time to read a dotted key grows with the square of its parts."""
MOST_RULES = 1000
_EVERY = "*"

Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleVocabulary:
    """What rules may name, None for anything; and what is wrong with a regular expression, if anything."""

    pattern_problem: PatternProblem
    models: Collection[str] | None = None
    destinations: Collection[str] | None = None
    keywords: Collection[str] | None = None


class HoursTable(Table):
    """`run_between`."""

    start: Clock = Field(alias="from")
    end: Clock = Field(alias="to")
    zone: Text
    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = _WEEKDAYS

    def to_domain(self) -> Hours:
        """The hours."""
        days = tuple(sorted({_WEEKDAYS.index(day) for day in self.days}))
        return Hours(start=time.fromisoformat(self.start), end=time.fromisoformat(self.end), zone=self.zone, days=days)


class RuleTable(Table):
    """`[[rules]]`; the conditions are read by ConditionReader."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
    comment: str = ""
    enabled: bool = True
    when: tuple[Any, ...] = ()
    models: tuple[Text, ...] = Field(default=(_EVERY,), min_length=1)
    destinations: tuple[Text, ...] = (_EVERY,)
    priority: Priority = Priority.MEDIUM
    language: Literal["en", "de"] | None = None
    run_between: HoursTable | None = None


class RulesTable(Table):
    """The whole file; each rule is read by itself, so that one wrong rule does not hide the next."""

    schema_: Literal[1] = Field(alias="schema")
    rules: tuple[Any, ...] = Field(default=(), max_length=MOST_RULES)


def parse_rules(text: str, vocabulary: RuleVocabulary, *, where: str = "") -> tuple[Rule, ...]:
    """The rules of `text` in file order. Raises RulesInvalid that holds everything that is wrong."""
    table = _table(text, where)
    reading = _Reading(vocabulary, TomlLines(text, len(table.rules)))
    rules = tuple(rule for index, item in enumerate(table.rules) if (rule := reading.rule(index, item)))
    doubled = [name for name, count in Counter(rule.name for rule in rules).items() if count > 1]
    problems = [*reading.problems, *(RuleProblem(what=f"two rules are named {name!r}") for name in doubled)]
    if problems:
        raise RulesInvalid(problems, where=where)
    return rules


def _table(text: str, where: str) -> RulesTable:
    if len(text) > LARGEST:
        raise RulesInvalid([RuleProblem(what=f"longer than {LARGEST} characters")], where=where)
    for number, line in enumerate(text.splitlines(), start=1):
        if line.count(".") > MOST_DOTS:
            raise RulesInvalid([RuleProblem(what=f"more than {MOST_DOTS} dots in one line", line=number)], where=where)
    try:
        return RulesTable.model_validate(tomllib.loads(text))
    except ValidationError as error:
        problems = [RuleProblem(what=what, place=_path(place)) for place, what in complaints(error, RulesTable)]
        raise RulesInvalid(problems, where=where) from error
    except ValueError as error:
        raise RulesInvalid([RuleProblem(what=f"not valid TOML: {error}")], where=where) from error
    except RecursionError as error:
        raise RulesInvalid([RuleProblem(what="nested too deeply")], where=where) from error


class _Reading:
    """Rules one after the other, with everything that is wrong with any of them."""

    def __init__(self, vocabulary: RuleVocabulary, lines: TomlLines) -> None:
        self._vocabulary = vocabulary
        self._lines = lines
        self.problems: list[RuleProblem] = []

    def rule(self, index: int, item: Any) -> Rule | None:
        """The rule, or None if it is wrong."""
        before = len(self.problems)
        try:
            table = RuleTable.model_validate(item)
        except ValidationError as error:
            name = item.get("name") if isinstance(item, dict) else None
            for place, what in complaints(error, RuleTable):
                self._complain(index, name, what, place)
            return None
        conditions = ConditionReader(self._vocabulary.pattern_problem, self._vocabulary.keywords)
        when = conditions.read_all(table.when)
        for complaint in conditions.complaints:
            self._complain(index, table.name, complaint.what, ("when", *complaint.place), complaint.key)
        for key, what in self._contradictions(table):
            self._complain(index, table.name, what, (key,))
        return _to_domain(table, when) if len(self.problems) == before else None

    def _contradictions(self, table: RuleTable) -> Iterator[tuple[str, str]]:
        yield from _unknown("models", table.models, self._vocabulary.models)
        yield from _unknown("destinations", table.destinations, self._vocabulary.destinations)
        if table.run_between is None:
            return
        if not _is_zone(table.run_between.zone):
            yield "run_between", f"there is no time zone {table.run_between.zone!r}; such as Europe/Berlin or UTC"
        if table.priority is Priority.HIGH:
            yield "run_between", "HIGH (STAT) never waits; lower the priority, or take run_between away"

    def _complain(self, index: int, name: Any, what: str, place: tuple[int | str, ...], key: str = "") -> None:
        keys = [part for part in place if isinstance(part, str)]
        line = self._lines.of(index, key or (keys[-1] if keys else ""))
        rule = f"rule {name!r}" if isinstance(name, str) else f"rule {index + 1}"
        self.problems.append(RuleProblem(what=what, place=": ".join(filter(None, [rule, _path(place)])), line=line))


def _unknown(what: str, named: tuple[str, ...], known: Collection[str] | None) -> Iterator[tuple[str, str]]:
    for name in named:
        if known is not None and name != _EVERY and name not in known:
            yield what, f"{name!r} does not exist; known: {', '.join(sorted(known)) or 'none'}"


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _path(place: tuple[int | str, ...]) -> str:
    """`when[0].keyword`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def _to_domain(table: RuleTable, when: tuple[Any, ...]) -> Rule:
    return Rule(
        name=table.name,
        when=when,
        models=table.models,
        destinations=table.destinations,
        priority=table.priority,
        language=table.language,
        run_between=table.run_between.to_domain() if table.run_between else None,
        enabled=table.enabled,
        comment=table.comment,
    )


def rule_as_table(rule: Rule) -> dict[str, Any]:
    """The rule as `[[rules]]` takes it; what has its default is left out."""
    table: dict[str, Any] = {"name": rule.name}
    if rule.comment:
        table["comment"] = rule.comment
    if not rule.enabled:
        table["enabled"] = False
    if rule.when:
        table["when"] = [ConditionReader.as_table(condition) for condition in rule.when]
    table |= {
        "models": list(rule.models),
        "destinations": list(rule.destinations),
        "priority": str(rule.priority),
    }
    if rule.language:
        table["language"] = rule.language
    if rule.run_between:
        table["run_between"] = _hours_as_table(rule.run_between)
    return table


def _hours_as_table(hours: Hours) -> dict[str, Any]:
    table: dict[str, Any] = {
        "from": f"{hours.start:%H:%M}",
        "to": f"{hours.end:%H:%M}",
        "zone": hours.zone,
    }
    return table if hours.days == EVERY_DAY else table | {"days": [_WEEKDAYS[day] for day in hours.days]}
