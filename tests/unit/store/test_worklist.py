"""The list as the database keeps it, on both kinds: order, pages, words, claims, views."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from appliance.domain.errors import ReadingClaimed, ReadingFinal, ReadingNotClaimed, UnknownReading, ViewRefused
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import Priority, ProcedureStepState
from appliance.domain.worklist import AiStatus, Entry, Patient, Progress, Shown, StudyFacts, Wanted
from appliance.store.engine import Ledger
from appliance.store.instances import Instances
from appliance.store.reading_room import Performer, ReadingRoom
from appliance.store.removal import remove_study
from appliance.store.worklist import Worklist
from appliance.store.worklist_views import MOST_VIEWS, WorklistViews
from tests.unit.store.conftest import NOON, STUDY, Clock, arrived
from tests.unit.store.people import some_user

ANNA, BERT = Performer(name="anna", shown="Dr. Anna"), Performer(name="bert", shown="Dr. Bert")


@pytest.fixture
def worklist(ledger: Ledger, clock: Clock) -> Worklist:
    return Worklist(ledger, clock)


@pytest.fixture
def room(ledger: Ledger, clock: Clock, worklist: Worklist) -> ReadingRoom:
    """STUDY is on the list."""
    put(ledger, worklist)
    return ReadingRoom(ledger, clock)


def put(ledger: Ledger, worklist: Worklist, uid: str = STUDY, **facts: Any) -> Entry:
    if uid != STUDY:
        Instances(ledger).add([arrived(f"{uid}.1.1", study=uid, series=f"{uid}.1")])
    status = facts.pop("status", AiStatus.PENDING)
    is_positive = status is AiStatus.POSITIVE
    values: dict[str, Any] = {"arrived_at": NOON, "patient": Patient(name="DOE^JANE", id="4711")}
    study = StudyFacts(study_instance_uid=StudyInstanceUID(uid), **values | facts)
    assert worklist.put(study, Progress(status=status, is_positive=is_positive), as_of=1)
    return worklist.entry(study.study_instance_uid)


def uids(worklist: Worklist, **wanted: Any) -> list[str]:
    wanted.setdefault("sees_patients", True)
    found = [entry.uid for entry in worklist.page(Wanted(**wanted)).entries]
    everything = worklist.page(Wanted(shown=Shown.ALL)).entries
    assert found == [entry.uid for entry in everything if Wanted(**wanted).fits(entry)], "Wanted says the same"
    return [str(uid) for uid in found]


def test_the_database_and_the_page_agree_on_what_is_wanted(ledger: Ledger, worklist: Worklist) -> None:
    put(ledger, worklist, "1.1", modalities=("CT", "PT"), description="Thorax 100% _x_", accession_number="A-1")
    put(ledger, worklist, "1.2", modalities=("MR",), status=AiStatus.POSITIVE, arrived_at=NOON - timedelta(days=2))
    put(ledger, worklist, "1.3", priority=Priority.HIGH, patient=Patient(name="MÜLLER^ÄNNE", id="77"))
    assert uids(worklist) == ["1.3", "1.2", "1.1"]
    assert uids(worklist, modality="PT") == ["1.1"]
    assert uids(worklist, modality="P") == uids(worklist, modality="%") == []
    assert uids(worklist, status=AiStatus.POSITIVE) == ["1.2"]
    assert uids(worklist, priority=Priority.HIGH) == ["1.3"]
    assert uids(worklist, arrived_since=NOON) == ["1.3", "1.1"]
    assert uids(worklist, terms=("mul",)) == ["1.3"]
    assert uids(worklist, terms=("mul", "anne", "77")) == ["1.3"]
    assert uids(worklist, terms=("a1",)) == ["1.1"]
    assert uids(worklist, terms=("thorax", "jane")) == ["1.1"]
    assert uids(worklist, terms=("thorax", "jane"), sees_patients=False) == []
    assert uids(worklist, terms=("thorax",), sees_patients=False) == ["1.1"]
    assert uids(worklist, performer="anna") == []


def test_pages_follow_the_place_even_where_lines_come_between(ledger: Ledger, worklist: Worklist) -> None:
    for number in range(5):
        put(ledger, worklist, f"1.{number}", arrived_at=NOON + timedelta(minutes=number // 2))
    first = worklist.page(Wanted(), limit=2)
    assert [entry.uid for entry in first.entries] == ["1.0", "1.1"]
    put(ledger, worklist, "1.9", priority=Priority.HIGH)
    second = worklist.page(Wanted(), after=first.next, limit=3)
    assert [entry.uid for entry in second.entries] == ["1.2", "1.3", "1.4"]
    assert second.next is None


def test_a_changed_line_is_seen_after_the_revision_before_it(ledger: Ledger, worklist: Worklist) -> None:
    put(ledger, worklist, "1.1")
    seen = worklist.revision()
    put(ledger, worklist, "1.2")
    again = put(ledger, worklist, "1.1", description="new")
    assert [entry.uid for entry in worklist.changed_since(seen)] == ["1.2", "1.1"]
    put(ledger, worklist, "1.1", description="new")
    assert worklist.revision() == again.revision
    assert uids(worklist, terms=("new",)) == ["1.1"]


def test_one_claims_and_everybody_sees_it(worklist: Worklist, room: ReadingRoom) -> None:
    seen = worklist.revision()
    claimed = room.claim(STUDY, ANNA)
    assert (claimed.state, claimed.performer_name) == (ProcedureStepState.IN_PROGRESS, "Dr. Anna")
    assert room.claim(STUDY, ANNA) == claimed, "claiming again changes nothing"
    (line,) = worklist.changed_since(seen)
    assert line.reading == claimed
    assert uids(worklist, performer="anna") == [STUDY]
    with pytest.raises(ReadingClaimed):
        room.claim(STUDY, BERT)
    for change in (room.release, room.complete):
        with pytest.raises(ReadingClaimed):
            change(STUDY, BERT)


def test_releasing_cancels_the_step_and_gives_the_study_another(worklist: Worklist, room: ReadingRoom) -> None:
    claimed = room.claim(STUDY, ANNA)
    following = room.release(STUDY, ANNA)
    assert room.get(claimed.uid).state is ProcedureStepState.CANCELED
    assert (following.number, following.state) == (2, ProcedureStepState.SCHEDULED)
    assert following.uid != claimed.uid
    assert uids(worklist, performer="anna") == []
    assert room.claim(STUDY, BERT).uid == following.uid


def test_what_is_read_cannot_be_claimed_again(worklist: Worklist, room: ReadingRoom) -> None:
    room.claim(STUDY, ANNA)
    room.complete(STUDY, ANNA)
    assert uids(worklist) == []
    assert uids(worklist, shown=Shown.DONE) == [STUDY]
    for change in (room.claim, room.release, room.complete):
        with pytest.raises(ReadingFinal):
            change(STUDY, ANNA)


def test_a_new_analysis_keeps_who_reads(ledger: Ledger, worklist: Worklist, room: ReadingRoom) -> None:
    claimed = room.claim(STUDY, ANNA)
    put(ledger, worklist, description="other")
    assert worklist.entry(STUDY).reading == claimed


def test_a_lock_that_a_program_chose_is_needed_to_end(room: ReadingRoom) -> None:
    room.claim(STUDY, ANNA, "2.25.1")
    with pytest.raises(ReadingClaimed):
        room.claim(STUDY, ANNA, "2.25.1")
    with pytest.raises(ReadingClaimed):
        room.complete(STUDY, ANNA, "2.25.2")
    assert room.complete(STUDY, ANNA, "2.25.1").state is ProcedureStepState.COMPLETED


def test_what_nobody_claimed_or_knows_is_refused(room: ReadingRoom) -> None:
    with pytest.raises(ReadingNotClaimed):
        room.release(STUDY, ANNA)
    with pytest.raises(UnknownReading):
        room.claim(StudyInstanceUID("9.9"), ANNA)


def test_a_study_that_is_removed_leaves_the_list(ledger: Ledger, worklist: Worklist, room: ReadingRoom) -> None:
    room.claim(STUDY, ANNA)
    remove_study(ledger, STUDY)
    assert uids(worklist, shown=Shown.ALL) == []


def test_views_belong_to_an_account_and_are_few(ledger: Ledger, clock: Clock) -> None:
    some_user(ledger, clock, "anna")
    some_user(ledger, clock, "bert")
    views = WorklistViews(ledger)
    views.keep("anna", " Night ", "modality=CT")
    views.keep("anna", "Night", "modality=MR")
    assert [(view.name, view.query) for view in views.of_user("anna")] == [("Night", "modality=MR")]
    assert views.of_user("bert") == ()
    for number in range(MOST_VIEWS - 1):
        views.keep("anna", f"{number}", "")
    with pytest.raises(ViewRefused):
        views.keep("anna", "one more", "")
    views.forget("anna", "Night")
    assert len(views.of_user("anna")) == MOST_VIEWS - 1


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\x00"])
def test_a_view_has_a_name_that_can_be_shown(ledger: Ledger, clock: Clock, name: str) -> None:
    some_user(ledger, clock, "anna")
    with pytest.raises(ViewRefused):
        WorklistViews(ledger).keep("anna", name, "")


def test_a_page_is_read_along_an_index(ledger: Ledger, worklist: Worklist) -> None:
    put(ledger, worklist)
    with ledger.connection() as connection:
        if connection.dialect.name != "sqlite":
            pytest.skip("the plan of a small table says nothing on PostgreSQL")
        plan = connection.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT * FROM worklist WHERE is_open IS 1 "
                "AND (urgency, rank, arrived_at, study_instance_uid) > (1, 1, '2026', '1') "
                "ORDER BY urgency, rank, arrived_at, study_instance_uid LIMIT 51"
            )
        )
        said = " ".join(str(row) for row in plan)
    assert "ix_worklist_open_place" in said
    assert "TEMP B-TREE" not in said
