"""`appliance studies run`: another series instead, with who and why, and never silently on what does not fit."""

from pathlib import Path

import pytest

from appliance.cli import context
from appliance.cli.output import ExitCode
from appliance.domain.identifiers import StudyInstanceUID
from appliance.services.folder import take_in
from appliance.store.clock import utc_now
from appliance.study.files import open_input
from tests.helpers.dicom_builder import blob_phantom, ct_series, mr_series, save
from tests.unit.cli.conftest import Run, forget_node


@pytest.fixture
def study(home: Path, run: Run) -> StudyInstanceUID:
    """Two CT series, of which the longer one was analysed, and an MR series."""
    whole = ct_series(blob_phantom())
    short = ct_series(blob_phantom(shape=(8, 20, 24)), seed="short")
    other = mr_series(blob_phantom(shape=(6, 20, 24)))
    for number, items in enumerate((whole, short, other)):
        for item in items:
            item.StudyInstanceUID = whole[0].StudyInstanceUID
            item.SeriesInstanceUID = f"1.2.3.{number}"
    save([*whole, *short, *other], home / "in")
    node = context.appliance()
    with open_input(home / "in") as found:
        (uid,) = take_in(found, node.instances, utc_now())
    node.planner.plan(uid)
    work(uid)
    return uid


def work(study: StudyInstanceUID) -> None:
    node = context.appliance()
    while found := node.workitems.runnable(study):
        node.analyst.run(found[0].uid, "test")


def standing(study: StudyInstanceUID, kind: str = "SEG") -> list[str]:
    """The series that the standing results of this kind come from."""
    node = context.appliance()
    records = [record for record in node.results.of_study(study) if record.kind.value == kind]
    return [node.workitems.get(record.workitem_uid).workitem.series_instance_uid or "" for record in records]


def on(run: Run, study: StudyInstanceUID, series: str, *options: str):  # type: ignore[no-untyped-def]
    return run("studies", "run", study, "--model", "blob", "--series", series, "--reason", "thinner", *options)


def test_another_series_takes_the_place_of_the_chosen_one(run: Run, study: StudyInstanceUID) -> None:
    assert standing(study) == ["1.2.3.0"]
    said = on(run, study, "1.2.3.1", "--author", "anna")
    assert said.code == ExitCode.DONE
    assert said.out.count("Scheduled") == 2
    work(study)
    assert (standing(study), standing(study, "SR")) == (["1.2.3.1"], ["1.2.3.1"])
    receipt = run("studies", "show", study, "--json").data
    (selection,) = receipt["selections"]
    assert selection["chosen"] == ["1.2.3.1"]
    reasons = {item["series"]: item["reasons"] for item in selection["considered"]}
    assert reasons["1.2.3.1"] == ["Chosen by hand"]
    (event,) = [event for event in receipt["events"] if event["kind"] == "series-chosen"]
    assert event["detail"] == {"package": "blob", "author": "anna", "reason": "thinner"}


def test_the_report_speaks_of_the_chosen_series_only(run: Run, study: StudyInstanceUID) -> None:
    on(run, study, "1.2.3.1")
    work(study)
    (report,) = [r for r in run("results", "show", study, "--json").data if r["kind"] == "REPORT"]
    assert report["text"].count("Liver: volume") == 2  # finding and impression, of one series
    assert len(context.appliance().workitems.analyses(study)) == 2


def test_the_choice_stays_when_the_study_is_planned_again(run: Run, study: StudyInstanceUID) -> None:
    on(run, study, "1.2.3.1")
    work(study)
    context.appliance().planner.plan(study)
    assert context.appliance().workitems.runnable(study) == ()
    assert standing(study) == ["1.2.3.1"]


def test_back_to_the_first_series_is_an_analysis_anew(run: Run, study: StudyInstanceUID) -> None:
    on(run, study, "1.2.3.1")
    work(study)
    assert on(run, study, "1.2.3.0").out.count("Scheduled") == 2
    work(study)
    assert standing(study) == ["1.2.3.0"]
    forget_node()
    assert standing(study) == ["1.2.3.0"]


def test_a_series_that_does_not_fit_is_refused_with_the_reason(run: Run, study: StudyInstanceUID) -> None:
    ended = on(run, study, "1.2.3.2")
    assert ended.code == ExitCode.REFUSED
    assert "Modality is MR, wanted CT" in ended.err
    assert standing(study) == ["1.2.3.0"]


def test_a_demonstration_says_so_in_its_results_and_stays_here(run: Run, study: StudyInstanceUID) -> None:
    assert on(run, study, "1.2.3.2", "--even-if-not-applicable").code == ExitCode.DONE
    work(study)
    texts = {row["kind"]: row["text"] for row in run("results", "show", study, "--json").data}
    assert "Failed by this series; run for demonstration only (Modality is MR, wanted CT)" in texts["SR"]
    report = " ".join(texts["REPORT"].split())
    assert "Selection criteria of the model: failed by this series; run for demonstration only" in report
    node = context.appliance()
    (analysis,) = [item for item in node.workitems.of_study(study) if item.workitem.unmet]
    places = {d.destination for d in node.outbox.of_study(study) if d.workitem_uid == analysis.workitem.uid}
    assert places == {"orthanc"}


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"--model": "nope"}, ExitCode.USAGE, "no active model has this name"),
        ({"--series": "9.9.9"}, ExitCode.USAGE, "no series with images has a UID that ends so"),
        ({"--series": ""}, ExitCode.USAGE, "no series with images"),
        ({"--reason": " "}, ExitCode.USAGE, "a reason is needed"),
    ],
)
def test_wrong_use_ends_with_a_reason(
    run: Run, study: StudyInstanceUID, change: dict[str, str], code: ExitCode, said: str
) -> None:
    options = {"--model": "blob", "--series": "1.2.3.1", "--reason": "r"} | change
    ended = run("studies", "run", study, *(part for pair in options.items() for part in pair))
    assert ended.code == code
    assert said in ended.err
    assert len(context.appliance().series_choices.of_study(study)) == 0


def test_rules_are_tried_with_the_series_that_was_chosen_by_hand(run: Run, study: StudyInstanceUID, home: Path) -> None:
    on(run, study, "1.2.3.1")
    (home / "none.toml").write_text(
        'schema = 1\n[[rules]]\nname = "none"\nwhen = [{ keyword = "Modality", one_of = ["US"] }]\n'
    )
    (tried,) = run("rules", "try", "none.toml", "--study", study, "--json").data
    assert [work["series"] for work in tried["workitems"] if work["package"] == "blob"] == ["1.2.3.1"]
    assert tried["chosen_by_hand"] == ["blob on …1.2.3.1 was chosen by hand and runs whatever the rules say"]
    assert "chosen by hand" in " ".join(run("rules", "try", "none.toml", "--study", study).out.split())
