"""`appliance studies`: what arrived and everything that happened to it."""

from pathlib import Path

from appliance.cli.output import ExitCode
from appliance.cli.studies import counted
from appliance.domain.identifiers import StudyInstanceUID
from tests.unit.cli.conftest import Run


def test_an_empty_list_says_how_to_begin(run: Run, home: Path) -> None:
    said = run("studies", "list")
    assert said.code == ExitCode.DONE
    assert "Send one by C-STORE" in said.out
    assert run("studies", "list", "--json").data == []


def test_a_study_is_listed_with_how_far_it_is(run: Run, study_uid: StudyInstanceUID) -> None:
    (row,) = run("studies", "list", "--json").data
    assert (row["study"], row["modalities"], row["instances"], row["work"]) == (study_uid, ["CT"], 14, "2 COMPLETED")
    assert study_uid in run("studies", "list").out


def test_the_end_of_a_uid_is_enough(run: Run, study_uid: StudyInstanceUID) -> None:
    assert run("studies", "show", study_uid[-8:], "--json").data["study"] == study_uid


def test_a_study_is_shown_with_choice_work_results_and_deliveries(run: Run, study_uid: StudyInstanceUID) -> None:
    text = run("studies", "show", study_uid).out
    for part in ("Selection", "blob@1.0.0", "chosen", "Workitems", "COMPLETED", "Results", "SEG", "Deliveries", "pacs"):
        assert part in text


def test_json_holds_the_whole_receipt(run: Run, study_uid: StudyInstanceUID) -> None:
    receipt = run("studies", "show", study_uid, "--json").data
    assert [event["kind"] for event in receipt["events"]][:2] == ["arrived", "scheduled"]
    assert receipt["selections"][0]["chosen"]
    assert {delivery["destination"] for delivery in receipt["deliveries"]} == {"orthanc", "pacs"}


def test_no_patient_is_named(run: Run, study_uid: StudyInstanceUID) -> None:
    everything = run("studies", "show", study_uid, "--json").out + run("studies", "list", "--json").out
    assert "Phantom" not in everything
    assert "PatientName" not in everything


def test_counts_read_as_words() -> None:
    assert counted({"COMPLETED": 2, "CANCELED": 1}) == "1 CANCELED, 2 COMPLETED"
    assert counted({}) == ""
