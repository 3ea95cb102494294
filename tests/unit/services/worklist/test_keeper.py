"""What a line of the worklist says of a study, whatever happened to it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.bootstrap import Appliance
from appliance.domain.coding import PRESENT
from appliance.domain.finding import Evaluation, Measurement, Narrative, Outcome, Sentence
from appliance.domain.identifiers import SOPInstanceUID, StudyInstanceUID
from appliance.domain.workitem import Priority
from appliance.domain.worklist import AiStatus, Entry, Identity
from appliance.findings import codes
from tests.helpers.people import appliance_in
from tests.helpers.worklist import EFFUSION, NODULE, PNEUMOTHORAX, Ward, absent, present


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Appliance]:
    opened = appliance_in(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def ward(node: Appliance) -> Ward:
    return Ward(node)


def line(ward: Ward, study: StudyInstanceUID) -> Entry:
    ward.keep()
    return ward.node.worklist.entry(study)


def status(ward: Ward, study: StudyInstanceUID) -> AiStatus:
    return line(ward, study).progress.status


def test_a_study_waits_until_it_is_planned_and_while_its_work_does(ward: Ward) -> None:
    study = ward.arrive()
    assert status(ward, study) is AiStatus.PENDING
    ward.plan(study, "chest")
    assert status(ward, study) is AiStatus.PENDING


def test_a_study_that_no_model_wants_is_not_applicable(ward: Ward) -> None:
    study = ward.arrive()
    ward.plan(study)
    assert status(ward, study) is AiStatus.NOT_APPLICABLE


def test_running_work_has_no_expected_end_before_any_has_ended(ward: Ward) -> None:
    study = ward.arrive()
    (item,) = ward.plan(study, "chest")
    ward.start(item)
    progress = line(ward, study).progress
    assert (progress.status, progress.expected_at) == (AiStatus.RUNNING, None)


def test_running_work_ends_when_half_of_the_earlier_ones_had(ward: Ward) -> None:
    for took in (10, 20, 90):
        (item,) = ward.plan(ward.arrive(), "chest")
        ward.finish(item, [absent()], took=took)
    study = ward.arrive()
    (item,) = ward.plan(study, "chest")
    started = ward.now
    ward.start(item)
    assert line(ward, study).progress.expected_at == started + timedelta(seconds=20)


def test_another_version_says_nothing_of_how_long_this_one_takes(ward: Ward) -> None:
    (item,) = ward.plan(ward.arrive(), "chest", version="2.0.0")
    ward.finish(item, [absent()])
    study = ward.arrive()
    (item,) = ward.plan(study, "chest")
    ward.start(item)
    assert line(ward, study).progress.expected_at is None


def test_the_findings_decide_between_positive_and_negative(ward: Ward) -> None:
    found, not_found = ward.arrive(), ward.arrive()
    ward.done(found, absent(), present(NODULE), present())
    ward.done(not_found, absent(), absent(EFFUSION))
    positive = line(ward, found).progress
    assert (positive.status, positive.is_positive) == (AiStatus.POSITIVE, True)
    assert [item.outcome for item in positive.lines] == [Outcome.POSITIVE, Outcome.POSITIVE, Outcome.NEGATIVE]
    assert positive.lines[0].text["en"].startswith("Pulmonary nodule")
    assert positive.lines[0].text["de"] != positive.lines[0].text["en"]
    negative = line(ward, not_found).progress
    assert (negative.status, negative.is_positive) == (AiStatus.NEGATIVE, False)
    assert "Pneumothorax" in negative.lines[0].text["en"]


def test_a_text_that_sounds_positive_is_no_finding(ward: Ward) -> None:
    said = Sentence(text="Large pleural effusion present.", outcome=Outcome.POSITIVE)
    text = Narrative(language="en", title="x", findings=(said,), impression=(said,), generator="model")
    study = ward.arrive()
    ward.done(study, text, absent())
    progress = line(ward, study).progress
    assert progress.status is AiStatus.DONE, "what a model wrote is not known here, so nothing is concluded"


def test_measurements_alone_are_no_verdict(ward: Ward) -> None:
    study = ward.arrive()
    ward.done(study, Measurement(concept=codes.VOLUME, value=12.0, unit=codes.MEAN))
    assert status(ward, study) is AiStatus.DONE


def test_a_check_of_the_images_is_no_finding_of_the_patient(ward: Ward) -> None:
    study = ward.arrive()
    ward.done(study, Evaluation(concept=codes.BURNT_IN_TEXT, value=PRESENT, outcome=Outcome.POSITIVE))
    progress = line(ward, study).progress
    assert (progress.status, progress.is_positive, progress.lines) == (AiStatus.NOT_APPLICABLE, False, ())


def test_a_failure_is_never_read_as_nothing_found_and_hides_no_finding(ward: Ward) -> None:
    failed, both = ward.arrive(), ward.arrive()
    first, second = ward.plan(failed, "chest", "nodule")
    ward.finish(first, [absent()])
    ward.fail(second)
    progress = line(ward, failed).progress
    assert (progress.status, progress.failed, progress.reasons) == (AiStatus.FAILED, 1, ("input-pixels-damaged",))
    first, second = ward.plan(both, "chest", "nodule")
    ward.finish(first, [present()])
    ward.fail(second)
    progress = line(ward, both).progress
    assert (progress.status, progress.failed) == (AiStatus.POSITIVE, 1)


def test_what_a_model_is_not_made_for_is_not_applicable_with_the_reason(ward: Ward) -> None:
    study = ward.arrive()
    (item,) = ward.plan(study, "chest")
    ward.fail(item, "input-anatomy-not-found")
    progress = line(ward, study).progress
    assert (progress.status, progress.reasons) == (AiStatus.NOT_APPLICABLE, ("input-anatomy-not-found",))


def test_what_somebody_canceled_is_no_failure(ward: Ward) -> None:
    study = ward.arrive()
    first, second = ward.plan(study, "chest", "nodule")
    ward.finish(first, [absent()])
    ward.fail(second, "canceled-by-user")
    assert status(ward, study) is AiStatus.NEGATIVE


def test_late_images_make_what_was_found_outdated_until_it_is_found_anew(ward: Ward) -> None:
    study = ward.arrive()
    ward.done(study, present())
    assert status(ward, study) is AiStatus.POSITIVE
    ward.arrive(study, images=3)
    assert status(ward, study) is AiStatus.SUPERSEDED, "images came that were not planned"
    late = (SOPInstanceUID(f"{study}.1.1"), SOPInstanceUID(f"{study}.1.3"))
    (item,) = ward.plan(study, "chest", instances=late)
    progress = line(ward, study).progress
    assert (progress.status, progress.is_positive) == (AiStatus.SUPERSEDED, True), "it keeps its place meanwhile"
    ward.finish(item, [absent()])
    progress = line(ward, study).progress
    assert (progress.status, progress.is_positive) == (AiStatus.NEGATIVE, False)


def test_the_most_urgent_rule_counts(ward: Ward) -> None:
    study = ward.arrive()
    ward.plan(study, "chest", priority=Priority.LOW)
    ward.plan(study, "nodule", priority=Priority.HIGH)
    assert line(ward, study).study.priority is Priority.HIGH


@pytest.mark.parametrize(
    ("attributes", "identity"),
    [
        ({}, Identity.AS_READ),
        ({"PatientName": ["DOE^JANE", "Doe^Jane^"]}, Identity.AS_READ),
        ({"PatientName": ["DOE^JANE", "ROE^RICHARD"]}, Identity.CONTRADICTORY),
        ({"PatientID": ["1", "2"]}, Identity.CONTRADICTORY),
        ({"PatientIdentityRemoved": "YES"}, Identity.REMOVED),
        ({"PatientName": "", "PatientID": ""}, Identity.MISSING),
    ],
)
def test_a_line_says_whether_the_series_agree_on_the_patient(
    ward: Ward, attributes: dict[str, object], identity: Identity
) -> None:
    study = ward.arrive(series=2, **attributes)
    assert line(ward, study).study.patient.identity is identity


@pytest.mark.parametrize(
    ("attributes", "age"),
    [
        ({"PatientAge": "067Y"}, "067Y"),
        ({"PatientAge": "67"}, ""),
        ({"PatientBirthDate": "19580305", "StudyDate": "20260304"}, "067Y"),
        ({"PatientBirthDate": "19580304", "StudyDate": "20260304"}, "068Y"),
        ({"PatientBirthDate": "20260101", "StudyDate": "20260501"}, "004M"),
        ({"PatientBirthDate": "20260301", "StudyDate": "20260304"}, "003D"),
        ({"PatientBirthDate": "20270301", "StudyDate": "20260304"}, ""),
        ({"PatientBirthDate": "00000000", "StudyDate": "20260304"}, ""),
    ],
)
def test_the_age_is_that_at_the_study(ward: Ward, attributes: dict[str, object], age: str) -> None:
    assert line(ward, ward.arrive(**attributes)).study.patient.age == age


def test_a_line_counts_series_and_images_and_names_every_modality(ward: Ward) -> None:
    study = line(ward, ward.arrive(series=2, images=3, Modality=["CT", "PT"])).study
    assert (study.series, study.instances, study.modalities) == (2, 6, ("CT", "PT"))


def test_an_old_ledger_fills_the_list_by_itself_and_nothing_is_said_twice(ward: Ward) -> None:
    for _ in range(3):
        ward.done(ward.arrive(), present())
    assert ward.node.worklist_keeper.keep(limit=2) == 2
    assert ward.node.worklist_keeper.keep_all() == 1
    revision = ward.node.worklist.revision()
    assert ward.node.worklist_keeper.keep_all() == 0
    assert ward.node.worklist.revision() == revision


def test_an_event_that_changes_no_word_of_a_line_changes_no_revision(ward: Ward) -> None:
    study = ward.arrive()
    first = line(ward, study).revision
    ward.node.studies.plan_failed(study, "rules-invalid", ward.now)
    assert line(ward, study).revision == first


def test_what_happened_while_a_line_was_made_is_not_lost(ward: Ward) -> None:
    study = ward.arrive()
    keeper = ward.node.worklist_keeper
    sources = keeper._sources.of_study(study)
    ward.plan(study, "chest")
    from appliance.services.worklist.facts import facts_of
    from appliance.services.worklist.verdict import progress_of

    progress = progress_of(sources, lambda *_: None)
    assert not ward.node.worklist.put(facts_of(sources), progress, as_of=sources.last_event)
    assert ward.node.worklist.unlisted() == (study,)


def test_pneumothorax_and_its_absence_read_differently(ward: Ward) -> None:
    study = ward.arrive()
    ward.done(study, present(PNEUMOTHORAX))
    assert line(ward, study).progress.lines[0].outcome is Outcome.POSITIVE
