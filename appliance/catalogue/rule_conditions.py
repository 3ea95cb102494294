"""The conditions of a rule: criteria, combined by `all`, `any`, `not` and `some_series`; data, never code."""

import difflib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from appliance.catalogue.manifest_tables import CriterionTable, complaints
from appliance.domain.conditions import AllOf, AnyOf, Condition, Negation, SomeSeries
from appliance.domain.model_package import Criterion

DEEPEST = 16
"""Levels of nesting; no person reads more."""
_COMBINATORS = ("all", "any", "not", "some_series")
_DEFAULTS = Criterion(keyword="")

PatternProblem = Callable[[str], str | None]
Place = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, where below `when`, and the key that it hangs on."""

    what: str
    place: Place
    key: str = ""


class ConditionReader:
    """Reads the conditions of one rule and collects everything that is wrong with them."""

    def __init__(self, pattern_problem: PatternProblem, keywords: Collection[str] | None) -> None:
        self._pattern_problem = pattern_problem
        self._keywords = keywords
        self.complaints: list[Complaint] = []

    def read_all(self, items: tuple[Any, ...], place: Place = (), depth: int = 0) -> tuple[Condition, ...]:
        """The conditions of `items`; those that are wrong are left out and complained of."""
        read = [self._read(item, (*place, index), depth) for index, item in enumerate(items)]
        return tuple(condition for condition in read if condition is not None)

    def _read(self, item: Any, place: Place, depth: int) -> Condition | None:
        if depth > DEEPEST:
            self._refuse(f"conditions nested more than {DEEPEST} deep", place)
            return None
        if not isinstance(item, dict):
            self._refuse('a condition is a table, such as { keyword = "Modality", equals = "CT" }', place)
            return None
        combinators = [key for key in item if key in _COMBINATORS]
        if not combinators:
            return self._criterion(item, place)
        if len(item) > 1:
            others = ", ".join(key for key in item if key != combinators[0])
            self._refuse(f"{combinators[0]} stands alone; {others} belongs into a condition of its own", place)
            return None
        return self._combined(combinators[0], item[combinators[0]], (*place, combinators[0]), depth + 1)

    def _combined(self, word: str, content: Any, place: Place, depth: int) -> Condition | None:
        if word in ("not", "some_series"):
            part = self._read(content, place, depth)
            if part is None:
                return None
            return Negation(part) if word == "not" else SomeSeries(part)
        if not isinstance(content, list) or not content:
            self._refuse(f"{word} takes a list of conditions, at least one", place)
            return None
        parts = self.read_all(tuple(content), place, depth)
        return AllOf(parts) if word == "all" else AnyOf(parts)

    def _criterion(self, item: dict[str, Any], place: Place) -> Criterion | None:
        try:
            table = CriterionTable.model_validate(item)
        except ValidationError as error:
            for where, what in complaints(error, CriterionTable):
                self._refuse(what, (*place, *where), str(where[-1]) if where else "")
            return None
        for problem in table.problems(self._pattern_problem):
            self._refuse(problem, place)
        if self._keywords is not None and table.keyword not in self._keywords:
            near = difflib.get_close_matches(table.keyword, self._keywords, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            self._refuse(f"{table.keyword!r} is not read from headers{hint}", (*place, "keyword"))
        return table.to_domain()

    def _refuse(self, what: str, place: Place, key: str = "") -> None:
        self.complaints.append(Complaint(what, place, key))

    @staticmethod
    def as_table(condition: Condition) -> dict[str, Any]:
        """The condition as `when` takes it."""
        match condition:
            case AllOf(parts):
                return {"all": [ConditionReader.as_table(part) for part in parts]}
            case AnyOf(parts):
                return {"any": [ConditionReader.as_table(part) for part in parts]}
            case Negation(part):
                return {"not": ConditionReader.as_table(part)}
            case SomeSeries(part):
                return {"some_series": ConditionReader.as_table(part)}
            case _:
                return _criterion_as_table(condition)


def _criterion_as_table(criterion: Criterion) -> dict[str, Any]:
    values = {name: getattr(criterion, name) for name in Criterion.__dataclass_fields__}
    changed = {name: value for name, value in values.items() if value != getattr(_DEFAULTS, name)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in changed.items()}
