"""`appliance workitems`: the work, doing it again, and closing it."""

from pathlib import Path

from appliance.bootstrap import Appliance
from appliance.cli.output import ExitCode
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.settings import load_settings
from tests.unit.cli.conftest import Run


def listed(run: Run, *options: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = run("workitems", "list", "--json", *options).data
    return rows


def test_no_work_is_said_in_words(run: Run, home: Path) -> None:
    assert run("workitems", "list").out == "No workitems.\n"


def test_work_can_be_listed_by_state(run: Run, study_uid: StudyInstanceUID) -> None:
    assert {row["model"].split("@")[0] for row in listed(run)} == {"blob", "compositional-report"}
    assert len(listed(run, "--state", "COMPLETED", "--state", "CANCELED")) == 2
    assert listed(run, "--state", "SCHEDULED") == []
    assert len(listed(run, "--limit", "1")) == 1


def test_one_workitem_is_shown_by_the_end_of_its_uid(run: Run, study_uid: StudyInstanceUID) -> None:
    row = listed(run)[0]
    (shown,) = run("workitems", "show", row["id"], "--json").data
    assert shown["uid"] == row["uid"]
    assert row["uid"] in run("workitems", "show", row["uid"]).out


def test_retry_schedules_the_analysis_and_its_report_anew(run: Run, study_uid: StudyInstanceUID) -> None:
    (blob,) = [row for row in listed(run) if row["model"] == "blob@1.0.0"]
    assert run("workitems", "retry", blob["id"]).out.count("Scheduled") == 2
    assert len(listed(run, "--state", "SCHEDULED")) == 2


def test_cancel_closes_with_the_reason(run: Run, study_uid: StudyInstanceUID) -> None:
    (blob,) = [row for row in listed(run) if row["model"] == "blob@1.0.0"]
    run("workitems", "retry", blob["id"])
    for row in listed(run, "--state", "SCHEDULED"):
        assert run("workitems", "cancel", row["id"], "--reason", "a test").out == "Canceled\n"
    assert {row["reason"] for row in listed(run, "--state", "CANCELED")} == {"canceled-by-user: a test"}


def test_dead_letters_are_listed_with_their_reason_until_they_are_retried(
    run: Run, worked_home: Path, study_uid: StudyInstanceUID
) -> None:
    assert listed(run, "--state", "dead") == []
    (blob,) = [row for row in listed(run) if row["model"] == "blob@1.0.0"]
    run("workitems", "retry", blob["id"])
    node = Appliance(load_settings(worked_home / "appliance.toml"))
    (again,) = [row for row in listed(run, "--state", "SCHEDULED") if row["model"] == "blob@1.0.0"]
    claim = node.claims.claim(WorkitemUID(again["uid"]), "one")
    assert claim
    node.claims.cancel(claim, "geometry-gantry-tilt", "18 degrees")
    node.close()
    (dead,) = listed(run, "--state", "dead")
    assert (dead["uid"], dead["reason"]) == (again["uid"], "geometry-gantry-tilt: 18 degrees")
    assert run("studies", "list", "--json").data[0]["failures"] == ["geometry-gantry-tilt"]
    run("workitems", "retry", dead["id"])
    assert listed(run, "--state", "dead") == []


def test_what_has_ended_cannot_be_canceled(run: Run, study_uid: StudyInstanceUID) -> None:
    ended = run("workitems", "cancel", listed(run)[0]["id"])
    assert ended.code == ExitCode.FAILED
    assert "not possible in the state COMPLETED" in ended.err
