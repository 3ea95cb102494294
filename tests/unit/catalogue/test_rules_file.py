"""The rules file is strict: what does not exist cannot be routed to."""

from pathlib import Path

import pytest

from appliance.catalogue.rules_file import read_rules
from appliance.domain.errors import SettingsError
from appliance.domain.selection import EVERYTHING
from appliance.domain.workitem import Priority

RULES = """
schema = 1
[[rules]]
name = "night"
when = [{ keyword = "Modality", one_of = ["CR", "DX"] }]
models = ["cxr-lungs"]
destinations = ["pacs"]
priority = "HIGH"
language = "de"
"""


def read(folder: Path, text: str):  # type: ignore[no-untyped-def]
    file = folder / "rules.toml"
    file.write_text(text, encoding="utf-8")
    return read_rules(file, {"cxr-lungs"}, {"pacs"})


def test_without_a_file_everything_runs_and_goes_everywhere(tmp_path: Path) -> None:
    assert read_rules(tmp_path / "rules.toml", set(), set()) == (EVERYTHING,)


def test_a_rule_is_read(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, RULES)
    assert (rule.name, rule.models, rule.destinations) == ("night", ("cxr-lungs",), ("pacs",))
    assert rule.priority is Priority.HIGH
    assert rule.when[0].one_of == ("CR", "DX")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"cxr-lungs"', '"cxr-lung"'), "model of rule 'night' does not exist: 'cxr-lung'"),
        (('["pacs"]', '["paks"]'), "destination of rule 'night' does not exist: 'paks'"),
        (("priority", "prioritty"), "did you mean 'priority'?"),
        (("when =", "whan ="), "did you mean 'when'?"),
        (('"HIGH"', '"URGENT"'), "priority"),
        (("schema = 1", "schema = "), "not valid TOML"),
    ],
)
def test_a_wrong_rule_is_refused_with_the_reason(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, RULES.replace(*change, 1))
    assert said in caught.value.what
