"""The rules file: study -> models -> destinations, as TOML.

schema = 1
[[rules]]
name = "chest X-ray at night"
when = [{ keyword = "Modality", one_of = ["CR", "DX"] }]
models = ["cxr-lungs", "burnt-in-text"]
destinations = ["pacs"]
priority = "HIGH"
"""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from appliance.catalogue.manifest_tables import CriterionTable, Table, Text, explain
from appliance.domain.errors import SettingsError
from appliance.domain.selection import EVERYTHING, Rule
from appliance.domain.workitem import Priority


class RuleTable(Table):
    """`[[rules]]`."""

    name: Text
    when: tuple[CriterionTable, ...] = ()
    models: tuple[Text, ...] = ("*",)
    destinations: tuple[Text, ...] = ("*",)
    priority: Priority = Priority.MEDIUM
    language: Literal["en", "de"] | None = None


class RulesTable(Table):
    """The whole file."""

    schema_: Literal[1] = Field(alias="schema")
    rules: tuple[RuleTable, ...] = ()


def read_rules(file: Path, models: Collection[str], destinations: Collection[str]) -> tuple[Rule, ...]:
    """The rules in file order; the one rule EVERYTHING if there is no file.

    Raises SettingsError for what is not valid, and for a model or destination that does not exist.
    """
    if not file.is_file():
        return (EVERYTHING,)
    try:
        table = RulesTable.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"not valid TOML: {error}", where=str(file)) from error
    except ValidationError as error:
        raise SettingsError(explain(error, RulesTable), where=str(file)) from error
    for rule in table.rules:
        _exists(rule.models, models, f"model of rule {rule.name!r}", file)
        _exists(rule.destinations, destinations, f"destination of rule {rule.name!r}", file)
    return tuple(_to_domain(rule) for rule in table.rules)


def _exists(named: tuple[str, ...], known: Collection[str], what: str, file: Path) -> None:
    missing = [name for name in named if name != "*" and name not in known]
    if missing:
        raise SettingsError(
            f"{what} does not exist: {missing[0]!r}; known: {', '.join(sorted(known))}", where=str(file)
        )


def _to_domain(rule: RuleTable) -> Rule:
    return Rule(
        name=rule.name,
        when=tuple(criterion.to_domain() for criterion in rule.when),
        models=rule.models,
        destinations=rule.destinations,
        priority=rule.priority,
        language=rule.language,
    )
