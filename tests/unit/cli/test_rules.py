"""`appliance rules`: what holds, whether the file is right, and what would happen."""

from pathlib import Path

from appliance.cli.output import ExitCode
from tests.unit.cli.conftest import Run

RULES = """
schema = 1
[[rules]]
name = "every CT"
when = [{ keyword = "Modality", one_of = ["CT"] }]
models = ["blob"]
destinations = ["pacs"]
"""


def test_without_a_file_everything_is_asked_for(run: Run, home: Path) -> None:
    (row,) = run("rules", "show", "--json").data
    assert (row["name"], row["models"], row["destinations"]) == ("everything", ["*"], ["*"])
    assert "every model, every destination" in run("rules", "check").out


def test_rules_of_a_file_are_shown(run: Run, home: Path) -> None:
    (home / "rules.toml").write_text(RULES, encoding="utf-8")
    (row,) = run("rules", "show", "--json").data
    assert row["when"] == ["Modality is CT"]
    assert run("rules", "check").code == ExitCode.DONE


def test_a_wrong_file_ends_with_the_reason(run: Run, home: Path) -> None:
    (home / "rules.toml").write_text(RULES.replace("blob", "blub"), encoding="utf-8")
    ended = run("rules", "check")
    assert ended.code == ExitCode.SETTINGS
    assert "'blub'" in ended.err
