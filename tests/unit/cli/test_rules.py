"""`appliance rules`: what holds, whether a file is right, what would happen, and who changed it when."""

import os
from pathlib import Path

import pytest

from appliance.cli import context
from appliance.cli.output import ExitCode
from appliance.domain.identifiers import StudyInstanceUID
from appliance.store.clock import utc_now
from tests.unit.cli.conftest import Run

RULES = """schema = 1

[[rules]]
name = "every CT"
when = [{ keyword = "Modality", one_of = ["CT"] }]
models = ["blob"]
destinations = ["pacs"]
"""
MR_ONLY = RULES.replace('"CT"', '"MR"')


@pytest.fixture
def file(home: Path) -> Path:
    path = home / "rules.toml"
    path.write_text(RULES, encoding="utf-8")
    return path


def activated(run: Run, text: str, *options: str) -> None:
    Path("candidate.toml").write_text(text, encoding="utf-8")
    assert run("rules", "activate", "candidate.toml", "--reason", "a test", *options).code == ExitCode.DONE


def test_without_a_file_everything_is_asked_for(run: Run, home: Path) -> None:
    (row,) = run("rules", "show", "--json").data
    assert (row["name"], row["models"], row["destinations"]) == ("everything", ["*"], ["*"])
    assert "every model, every destination" in run("rules", "check").out
    assert "No revision yet" in run("rules", "history").out


def test_the_rules_of_the_file_are_shown_before_the_first_study(run: Run, file: Path) -> None:
    (row,) = run("rules", "show", "--json").data
    assert row["when"] == ["Modality is CT"]
    assert "every CT" in run("rules", "show").out


def test_what_holds_can_be_had_as_a_file(run: Run, home: Path) -> None:
    text = run("rules", "show", "--toml").out
    activated(run, text.replace("everything", "all of it"))
    assert run("rules", "show", "--json").data[0]["name"] == "all of it"


def test_check_says_what_each_rule_means(run: Run, file: Path) -> None:
    said = run("rules", "check")
    assert said.code == ExitCode.DONE
    assert "When: Modality is CT, on one and the same series." in said.out
    assert "to be taken up with the next study" in said.out


def test_check_says_everything_that_is_wrong(run: Run, file: Path) -> None:
    file.write_text(RULES.replace("blob", "blub").replace("pacs", "paks"), encoding="utf-8")
    ended = run("rules", "check")
    assert ended.code == ExitCode.SETTINGS
    assert "'blub' does not exist" in ended.err
    assert "'paks' does not exist" in ended.err
    data = run("rules", "check", "--json")
    assert (data.code, data.data["valid"], len(data.data["problems"])) == (ExitCode.SETTINGS, False, 2)


def test_check_reads_any_file(run: Run, home: Path) -> None:
    Path("other.toml").write_text(RULES, encoding="utf-8")
    assert run("rules", "check", "other.toml", "--json").data["valid"] is True
    assert run("rules", "check", "nope.toml").code == ExitCode.USAGE
    Path("binary").write_bytes(b"\xff")
    assert run("rules", "check", "binary").code == ExitCode.SETTINGS


def test_an_activation_is_in_the_history_with_who_and_why(run: Run, home: Path) -> None:
    activated(run, RULES, "--author", "anna")
    activated(run, MR_ONLY)
    newest, first = run("rules", "history", "--json").data
    assert (newest["number"], newest["state"], newest["kind"]) == (2, "in force", "activated")
    assert (first["author"], first["reason"], first["state"]) == ("anna", "a test", "")
    assert run("rules", "show", "1").out == RULES
    assert run("rules", "show", "2", "--json").data["text"] == MR_ONLY


def test_an_invalid_file_is_not_activated(run: Run, home: Path) -> None:
    Path("candidate.toml").write_text(RULES.replace("blob", "blub").replace("pacs", "paks"), encoding="utf-8")
    ended = run("rules", "activate", "candidate.toml", "--reason", "r")
    assert ended.code == ExitCode.SETTINGS
    assert "'blub'" in ended.err
    assert "'paks'" in ended.err
    assert run("rules", "history", "--json").data == []


def test_an_activation_needs_a_reason_and_a_file(run: Run, file: Path) -> None:
    assert run("rules", "activate", file).code == ExitCode.USAGE
    assert run("rules", "activate", file, "--reason", " ").code == ExitCode.SETTINGS
    assert run("rules", "activate", "nope", "--reason", "r").code == ExitCode.USAGE


def test_a_rollback_brings_the_text_back(run: Run, home: Path) -> None:
    activated(run, RULES)
    activated(run, MR_ONLY)
    said = run("rules", "rollback", "1", "--reason", "too narrow")
    assert said.out == "Revision 3 is in force: the text of revision 1\n"
    assert run("rules", "show", "--json").data[0]["when"] == ["Modality is CT"]
    ended = run("rules", "rollback", "9", "--reason", "r")
    assert ended.code == ExitCode.FAILED
    assert "no such revision" in ended.err


def test_a_difference_is_told_line_by_line(run: Run, home: Path) -> None:
    activated(run, RULES)
    activated(run, MR_ONLY)
    said = run("rules", "diff", "1", "2").out
    assert '-when = [{ keyword = "Modality", one_of = ["CT"] }]' in said
    assert '+when = [{ keyword = "Modality", one_of = ["MR"] }]' in said
    assert run("rules", "diff", "1", "1").out == "No difference.\n"
    assert run("rules", "diff", "1", "7").code == ExitCode.FAILED


def test_check_says_when_the_file_is_not_in_force(run: Run, file: Path) -> None:
    activated(run, MR_ONLY)
    assert "In force: revision 1. This file is not" in run("rules", "check").out


def test_a_candidate_is_tried_on_a_study_that_arrived(run: Run, worked_home: Path, study_uid: StudyInstanceUID) -> None:
    Path("candidate.toml").write_text(MR_ONLY, encoding="utf-8")
    (found,) = run("rules", "try", "candidate.toml", "--study", study_uid[-8:], "--json").data
    assert found["study"] == study_uid
    assert found["rules"] == [
        {"name": "every CT", "holds": False, "series": [], "reasons": ["Modality is CT, wanted MR"]}
    ]
    assert any("blob" in text and "would no longer run" in text for text in found["differences"])
    text = run("rules", "try", "candidate.toml", "--study", study_uid).out
    assert "does not hold: Modality is CT, wanted MR" in text
    assert "1 studies, 1 of them otherwise" in text


def test_trying_changes_nothing(run: Run, worked_home: Path, study_uid: StudyInstanceUID) -> None:
    Path("candidate.toml").write_text(RULES, encoding="utf-8")
    before = run("studies", "show", study_uid, "--json").data
    run("rules", "try", "candidate.toml", "--last", "30d")
    assert run("studies", "show", study_uid, "--json").data == before
    assert run("rules", "history", "--json").data == []


def test_studies_of_the_last_time_are_tried(run: Run, worked_home: Path, study_uid: StudyInstanceUID) -> None:
    assert [item["study"] for item in run("rules", "try", "--last", "30d", "--json").data] == [study_uid]


def test_a_folder_is_tried(run: Run, home: Path, blob_study: Path) -> None:
    Path("candidate.toml").write_text(RULES, encoding="utf-8")
    (found,) = run("rules", "try", "candidate.toml", "--folder", blob_study, "--json").data
    assert found["selections"][0]["rules"] == ["every CT"]
    assert found["workitems"][0]["destinations"] == ["pacs"]
    assert "blob: MEDIUM, to pacs" in run("rules", "try", "candidate.toml", "--folder", blob_study).out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "one of --study, --last and --folder"),
        (("--study", "1", "--last", "3d"), "one of --study, --last and --folder"),
        (("--last", "soon"), "a time is a number and m, h, d or w"),
        (("--last", "0d"), "a time is a number and m, h, d or w"),
        (("--folder", "nope"), "no such file or folder"),
        (("--study", "nope"), "no study has a UID that ends so"),
        (("nope.toml", "--last", "3d"), "cannot be read as text"),
    ],
)
def test_wrong_use_of_try_ends_with_a_reason(run: Run, home: Path, options: tuple[str, ...], said: str) -> None:
    ended = run("rules", "try", *options)
    assert ended.code == ExitCode.USAGE
    assert said in " ".join(ended.err.replace("│", " ").split())


def planned_anew(study: StudyInstanceUID) -> None:
    """As after an arrival."""
    node = context.appliance()
    node.studies.owe_plan(study, utc_now())
    node.planner.plan(study)


def test_the_timeline_names_the_revision(run: Run, worked_home: Path, study_uid: StudyInstanceUID) -> None:
    Path("rules.toml").write_text(RULES, encoding="utf-8")
    os.utime("rules.toml", (0, 0))
    planned_anew(study_uid)
    planned = [e for e in run("studies", "show", study_uid, "--json").data["events"] if e["kind"] == "planned"]
    assert [event["detail"]["rules"] for event in planned] == [0, 1]
    (revision,) = run("rules", "history", "--json").data
    assert (revision["number"], revision["kind"], revision["author"]) == (1, "file", "file")


def test_an_invalid_edit_does_not_stop_a_running_node(run: Run, worked_home: Path, study_uid: StudyInstanceUID) -> None:
    activated(run, RULES)
    Path("rules.toml").write_text("nonsense", encoding="utf-8")
    os.utime("rules.toml", (0, 0))
    planned_anew(study_uid)
    planned = [e for e in run("studies", "show", study_uid, "--json").data["events"] if e["kind"] == "planned"]
    assert planned[-1]["detail"]["rules"] == 1
    rows = {row["part"]: row for row in run("doctor", "--json").data}
    assert rows["rules file"]["state"] == "failed"
    assert rows["rules"]["state"] == "ok"
    assert run("rules", "check").code == ExitCode.SETTINGS


def test_with_explicit_activation_a_file_is_only_a_draft(run: Run, worked_home: Path) -> None:
    text = Path("appliance.toml").read_text(encoding="utf-8")
    Path("appliance.toml").write_text('rules_activation = "explicit"\n' + text, encoding="utf-8")
    Path("rules.toml").write_text(RULES, encoding="utf-8")
    assert run("rules", "show").out == "No rule: nothing is analysed.\n"
    assert {row["part"]: row["state"] for row in run("doctor", "--json").data}["rules"] == "warning"
    activated(run, RULES)
    assert run("rules", "show", "--json").data[0]["name"] == "every CT"
