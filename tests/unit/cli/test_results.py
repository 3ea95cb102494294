"""`appliance results`: result objects as rows, as text, as files."""

from pathlib import Path

from pydicom import dcmread

from appliance.cli.output import ExitCode
from appliance.domain.identifiers import StudyInstanceUID
from tests.unit.cli.conftest import Run


def test_results_are_listed(run: Run, study_uid: StudyInstanceUID) -> None:
    rows = run("results", "list", study_uid, "--json").data
    assert sorted(row["kind"] for row in rows) == ["PDF", "REPORT", "SEG", "SR"]
    assert "Voxels above 200" in run("results", "list", study_uid).out


def test_superseded_results_are_shown_on_request_only(run: Run, study_uid: StudyInstanceUID) -> None:
    now = run("results", "list", study_uid, "--json").data
    assert run("results", "list", study_uid, "--superseded", "--json").data == now


def test_results_read_as_text(run: Run, study_uid: StudyInstanceUID) -> None:
    text = run("results", "show", study_uid).out
    assert "AI-GENERATED DRAFT" in text
    assert "Volume:" in text
    assert any("Volume:" in row["text"] for row in run("results", "show", study_uid, "--json").data)


def test_results_are_saved_as_dicom_files(run: Run, study_uid: StudyInstanceUID) -> None:
    said = run("results", "save", study_uid, "--out", "out put")
    files = [Path(line) for line in said.out.splitlines()]
    assert {str(dcmread(file).Modality) for file in files} >= {"SEG", "SR"}
    assert {str(dcmread(file).StudyInstanceUID) for file in files} == {study_uid}


def test_a_file_where_the_folder_should_be_is_named(run: Run, study_uid: StudyInstanceUID) -> None:
    Path("taken").write_text("x", encoding="utf-8")
    ended = run("results", "save", study_uid, "--out", "taken")
    assert ended.code == ExitCode.USAGE
    assert "taken" in ended.err
