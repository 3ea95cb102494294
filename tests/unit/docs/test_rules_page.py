"""Every example of the page on rules holds, and does what the page says."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.bootstrap import Appliance
from appliance.catalogue.rules_file import RuleTable, RuleVocabulary, parse_rules
from appliance.cli import context
from appliance.cli.output import ExitCode
from appliance.domain.errors import RulesInvalid
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.selection import Rule
from appliance.domain.study import Study
from appliance.selection.rules import matching
from appliance.settings import Settings
from tests.conftest import PROJECT
from tests.unit.cli.conftest import Run, _worked_home, blob_study, home, logs_as_before, run, study_uid, worked_home
from tests.unit.selection.builders import series, study

__all__ = ["_worked_home", "blob_study", "home", "logs_as_before", "run", "study_uid", "worked_home"]

PAGE = (PROJECT / "runbooks" / "rules.md").read_text(encoding="utf-8")
FILES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line.split(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]


def rules(index: int) -> tuple[Rule, ...]:
    return parse_rules(FILES[index], vocabulary())


def vocabulary() -> RuleVocabulary:
    """The models of the project, and a PACS."""
    return replace(Appliance(Settings(home=PROJECT)).rule_vocabulary(), destinations={"pacs"})


def names(index: int, of: Study) -> list[str]:
    return [rule.name for rule in matching(of, rules(index))]


@pytest.mark.parametrize("text", FILES)
def test_every_file_of_the_page_is_valid(text: str) -> None:
    assert parse_rules(text, vocabulary())


def test_the_table_of_keys_is_complete() -> None:
    section = PAGE.split("## A first file")[1].split("\n## ")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    assert told == set(RuleTable.model_fields)


def test_the_first_example_takes_chest_radiographs() -> None:
    assert names(0, study(series("1", "DX"))) == ["chest X-ray at once"]
    assert names(0, study(series("1", "CT"))) == []


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"PatientAge": "017Y"}, False),
        ({"SliceThickness": 5.0}, False),
        ({"SliceThickness": 5.0, "SliceSpacing": 2.0}, True),
        ({"SeriesDescription": "Topogram 0.6"}, False),
    ],
)
def test_the_liver_example_takes_thin_slices_of_adults(changes: dict[str, object], holds: bool) -> None:
    attributes = {"PatientAge": "054Y", "SliceThickness": 3.0, "SeriesDescription": "Abdomen"} | changes
    found = names(1, study(series("1", came={"CallingAETitle": "CT2"}, **attributes)))
    assert found == (["liver, thin, adults"] if holds else [])


def test_the_network_example_keeps_research_here() -> None:
    research = study(series("1", "MR", came={"SenderAddress": "10.9.4.4"}), series("2", "CT"))
    assert names(2, research) == ["research network"]
    clinical = study(series("1", "MR", came={"SenderAddress": "10.1.1.1"}), series("2", "CT"))
    assert names(2, clinical) == ["MR beside a CT"]
    assert names(2, study(series("1", "MR", came={"SenderAddress": "10.1.1.1"}))) == []


def test_not_speaks_of_a_series_unless_some_series_is_asked() -> None:
    both = study(series("1", "CT"), series("2", "MR"))
    for condition, holds in (
        ('{ not = { keyword = "Modality", equals = "CT" } }', True),
        ('{ not = { some_series = { keyword = "Modality", equals = "CT" } } }', False),
        ('{ keyword = "ModalitiesInStudy", none_of = ["CT"] }', False),
    ):
        text = f'schema = 1\n[[rules]]\nname = "a"\nwhen = [{condition}]\n'
        assert bool(matching(both, parse_rules(text, vocabulary()))) is holds


def test_the_night_example_has_hours_and_stat_may_have_none() -> None:
    (rule,) = rules(3)
    assert rule.run_between is not None
    assert rule.run_between.days == (0, 1, 2, 3)
    with pytest.raises(RulesInvalid):
        parse_rules(FILES[3].replace('"LOW"', '"HIGH"'), vocabulary())


def test_the_commands_of_the_page_do_what_it_says(run: Run, worked_home: Path, study_uid: StudyInstanceUID) -> None:
    text = 'schema = 1\n[[rules]]\nname = "{}"\nmodels = ["blob"]\n'
    Path("old.toml").write_text(text.format("old"), encoding="utf-8")
    Path("new.toml").write_text(text.format("new"), encoding="utf-8")
    Path("FOLDER").mkdir()
    assert run("rules", "activate", "old.toml", "--reason", "the first").code == ExitCode.DONE
    series_uid = context.appliance().images_of(study_uid).series[0].series_instance_uid  # type: ignore[union-attr]
    real = {"12345": study_uid[-8:], "STUDY": study_uid, "SERIES": series_uid, "ct-liver": "blob"}
    for command in COMMANDS:
        program, *arguments = shlex.split(command)
        assert program == "appliance"
        ended = run(*(real.get(argument, argument) for argument in arguments))
        assert ended.code == ExitCode.DONE, (command, ended.err)
    assert [row["kind"] for row in run("rules", "history", "--json").data] == ["rolled-back", "activated", "activated"]
    assert run("rules", "show", "--json").data[0]["name"] == "old"


def test_what_holds_now_can_be_the_first_file(run: Run, home: Path) -> None:
    Path("rules.toml").write_text(run("rules", "show", "--toml").out, encoding="utf-8")
    assert run("rules", "check").code == ExitCode.DONE
