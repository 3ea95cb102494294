"""Rules written as TOML: what `parse_rules` reads back as the same rules."""

from collections.abc import Sequence

import tomli_w

from appliance.catalogue.rules_file import rule_as_table
from appliance.domain.selection import Rule


def print_rules(rules: Sequence[Rule]) -> str:
    """The rules as a file."""
    return tomli_w.dumps({"schema": 1, "rules": [rule_as_table(rule) for rule in rules]})
