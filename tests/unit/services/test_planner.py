"""A complete study becomes workitems once; what fails stays owed and holds nobody up."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from appliance.domain.errors import OrthancUnavailable, SettingsError
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.selection import Considered, Selection
from appliance.domain.study import Study
from appliance.pipeline import Plan
from appliance.services.dispatcher import Dispatcher
from appliance.services.planner import Planner
from appliance.store.arrival_gaps import ArrivalGaps
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, Events
from appliance.store.instances import Instances
from appliance.store.selections import Selections
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems
from appliance.study.quiet_time import QuietTime
from tests.unit.services.conftest import RecordingQueue
from tests.unit.store.conftest import STUDY, Clock, arrived, workitem

OTHER = StudyInstanceUID("4.5.6")
SELECTION = Selection(
    package="liver@1.0.0",
    chosen=(),
    considered=(Considered(series_instance_uid="1.2.3.1", modality="CT", fits=False, score=0.0, reasons=("why",)),),  # type: ignore[arg-type]
)


@dataclass
class Bench:
    """A planner whose plan is one workitem on all instances, until `plan` is replaced."""

    ledger: Ledger
    clock: Clock
    queue: RecordingQueue

    def __post_init__(self) -> None:
        self.plan: Callable[[Study], Plan] = lambda study: Plan(
            workitems=(workitem(instances=study.series[0].sop_instance_uids),), selections=(SELECTION,)
        )
        self.outstanding: list[str] | Exception = []
        self.studies = Studies(self.ledger, self.clock)
        self.workitems = Workitems(self.ledger, self.clock)
        self.planner = Planner(
            plan=lambda study: self.plan(study),
            instances=Instances(self.ledger, self.clock),
            studies=self.studies,
            selections=Selections(self.ledger, self.clock),
            workitems=self.workitems,
            dispatcher=Dispatcher(self.workitems, self.queue),
            gaps=ArrivalGaps(self.ledger),
            quiet=QuietTime(),
            outstanding=lambda _: self._ask(),
            clock=self.clock,
        )

    def _ask(self) -> list[str]:
        if isinstance(self.outstanding, Exception):
            raise self.outstanding
        return self.outstanding

    def arrives_elsewhere(self, sop: str) -> None:
        item = arrived(sop, study=OTHER, series="4.5.6.1", at=self.clock())
        Instances(self.ledger, self.clock).add([item])

    def arrives(self, sop: str) -> None:
        Instances(self.ledger, self.clock).add([arrived(sop, at=self.clock())])


@pytest.fixture
def bench(ledger: Ledger, clock: Clock, queue: RecordingQueue) -> Bench:
    return Bench(ledger, clock, queue)


def test_nothing_is_planned_while_more_is_expected(bench: Bench) -> None:
    bench.planner.plan_if_complete(STUDY)
    assert bench.workitems.of_study(STUDY) == ()
    assert bench.studies.plans_due() == ()


def test_a_study_is_planned_when_it_is_quiet(bench: Bench) -> None:
    bench.planner.plan_if_complete(STUDY)
    bench.clock.pass_by(seconds=5)
    assert bench.planner.plan_due() == 1
    assert [status.workitem.uid for status in bench.workitems.of_study(STUDY)] == bench.queue.run_uids
    assert len(bench.queue.run_uids) == 1
    assert bench.planner.plan_due() == 0


def test_the_reasons_are_kept(bench: Bench) -> None:
    bench.planner.plan(STUDY)
    assert Selections(bench.ledger).of_study(STUDY) == (SELECTION,)


def test_planning_again_changes_nothing(bench: Bench) -> None:
    bench.planner.plan(STUDY)
    bench.planner.plan(STUDY)
    assert len(bench.workitems.of_study(STUDY)) == 1


def test_a_late_slice_makes_a_new_workitem_in_place_of_the_old(bench: Bench) -> None:
    bench.planner.plan(STUDY)
    bench.clock.pass_by(minutes=10)
    bench.arrives("1.2.3.1.2")
    bench.planner.plan(STUDY)
    early, late = bench.workitems.of_study(STUDY)
    assert early.reason_code == "workitem-superseded"
    assert late.supersedes == early.workitem.uid
    assert late.workitem.sop_instance_uids == ("1.2.3.1.1", "1.2.3.1.2")


def test_what_arrives_during_planning_is_planned_afterwards(bench: Bench) -> None:
    bench.planner.plan_if_complete(STUDY)
    bench.clock.pass_by(seconds=5)
    plan = bench.plan

    def while_another_comes(study: Study) -> Plan:
        bench.clock.pass_by(seconds=1)
        bench.arrives("1.2.3.1.2")
        bench.plan = plan
        return plan(study)

    bench.plan = while_another_comes
    bench.planner.plan_due()
    bench.clock.pass_by(seconds=5)
    assert bench.planner.plan_due() == 1
    last = bench.workitems.of_study(STUDY)[-1]
    assert last.workitem.sop_instance_uids == ("1.2.3.1.1", "1.2.3.1.2")


@pytest.mark.parametrize(
    ("error", "code"), [(SettingsError("no such model"), "settings-invalid"), (ValueError("Doe"), "internal-error")]
)
def test_planning_that_fails_is_tried_again_and_says_why(bench: Bench, error: Exception, code: str) -> None:
    plan = bench.plan

    def failing(_: Study) -> Plan:
        raise error

    bench.plan = failing
    bench.planner.plan(STUDY)
    (failed,) = [e for e in Events(bench.ledger).of_study(STUDY) if e.kind is EventKind.PLAN_FAILED]
    assert failed.code == code
    assert "Doe" not in str(failed.detail)
    bench.plan = plan
    bench.clock.pass_by(minutes=1)
    assert bench.planner.plan_due() == 1
    assert len(bench.workitems.of_study(STUDY)) == 1


def test_a_study_that_cannot_be_planned_holds_no_other_up(bench: Bench) -> None:
    other = OTHER
    bench.arrives_elsewhere("4.5.6.1.1")
    plan = bench.plan

    def failing_for_one(study: Study) -> Plan:
        if study.study_instance_uid == STUDY:
            raise SettingsError
        return plan(study)

    bench.plan = failing_for_one
    for study in (STUDY, other):
        bench.planner.plan_if_complete(study)
    bench.clock.pass_by(seconds=5)
    assert bench.planner.plan_due() == 2
    assert bench.studies.summary(other).planned_at is not None
    assert bench.studies.summary(STUDY).planned_at is None


def test_a_study_of_which_orthanc_holds_more_waits_for_the_rest(bench: Bench) -> None:
    """A slow fetch is no silence of the sender: nothing is planned twice because of it."""
    bench.outstanding = ["not fetched yet"]
    bench.clock.pass_by(seconds=10)
    bench.planner.plan_if_complete(STUDY)
    assert bench.workitems.of_study(STUDY) == ()
    bench.outstanding = []
    bench.clock.pass_by(seconds=0.25)
    bench.planner.plan_due()
    assert len(bench.workitems.of_study(STUDY)) == 1


def test_what_never_can_be_fetched_is_not_waited_for_beyond_patience(bench: Bench) -> None:
    bench.outstanding = ["lost on its disk"]
    bench.clock.pass_by(seconds=59)
    bench.planner.plan_if_complete(STUDY)
    assert bench.workitems.of_study(STUDY) == ()
    bench.clock.pass_by(seconds=1)
    bench.planner.plan_due()
    assert len(bench.workitems.of_study(STUDY)) == 1


def test_an_orthanc_that_does_not_answer_is_asked_again(bench: Bench) -> None:
    bench.outstanding = OrthancUnavailable()
    bench.clock.pass_by(seconds=10)
    assert not bench.planner.is_due(STUDY)
    bench.outstanding = []
    assert bench.planner.is_due(STUDY)


def test_the_rhythm_of_a_sender_is_learned_and_shortens_the_wait(bench: Bench) -> None:
    for number in range(2, 22):
        bench.clock.pass_by(seconds=0.01)
        bench.arrives(f"1.2.3.1.{number}")
    bench.planner.plan(STUDY)
    bench.clock.pass_by(minutes=5)
    bench.arrives_elsewhere("4.5.6.1.1")
    assert not bench.planner.is_due(OTHER)
    bench.clock.pass_by(seconds=0.5)
    assert bench.planner.is_due(OTHER)


def test_a_study_that_is_planned_again_teaches_only_what_is_new(bench: Bench) -> None:
    bench.clock.pass_by(seconds=1)
    bench.arrives("1.2.3.1.2")
    bench.planner.plan(STUDY)
    bench.planner.plan(STUDY)
    bench.clock.pass_by(seconds=1)
    bench.arrives("1.2.3.1.3")
    bench.planner.plan(STUDY)
    (counts,) = ArrivalGaps(bench.ledger).of([("", "CT")]).values()
    assert sum(counts) == 2


def test_the_timeline_says_why_a_study_was_taken_as_complete(bench: Bench) -> None:
    bench.clock.pass_by(seconds=10)
    bench.planner.plan_if_complete(STUDY)
    (planned,) = [event for event in Events(bench.ledger).of_study(STUDY) if event.kind is EventKind.PLANNED]
    assert planned.detail["because"] == "a gapless stack and silence"


def test_an_arrival_is_owed_a_plan_even_if_its_intake_dies_at_once(bench: Bench) -> None:
    bench.planner.plan(STUDY)
    assert not bench.studies.owes_plan(STUDY)
    bench.clock.pass_by(seconds=1)
    bench.arrives("1.2.3.1.2")
    assert bench.studies.plans_due() == (STUDY,)
