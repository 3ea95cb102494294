"""When planning is owed, how a study stands, and a receipt that is of one moment."""

from datetime import timedelta

import pytest

from appliance.domain.errors import LedgerError, UnknownStudy
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import ProcedureStepState
from appliance.store.claims import Claims, Completion
from appliance.store.deliveries import DeliveryState
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, Events
from appliance.store.instances import Instances
from appliance.store.results import Results
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import NOON, STUDY, Clock, arrived, workitem
from tests.unit.store.test_claims import claimed, outgoing


@pytest.fixture
def studies(ledger: Ledger, clock: Clock) -> Studies:
    return Studies(ledger, clock)


def test_planning_is_owed_from_its_moment_on(studies: Studies, clock: Clock) -> None:
    studies.owe_plan(STUDY, NOON + timedelta(seconds=2))
    assert studies.plans_due() == ()
    clock.pass_by(seconds=2)
    assert studies.plans_due() == (STUDY,)
    studies.owe_plan(STUDY, NOON + timedelta(seconds=9))
    assert studies.plans_due() == ()


def test_a_study_that_was_planned_as_it_is_owes_nothing(studies: Studies) -> None:
    studies.owe_plan(STUDY, NOON)
    assert studies.planned(STUDY, studies.last_arrival(STUDY), instances=1, workitems=2)
    assert studies.plans_due() == ()
    assert studies.summary(STUDY).planned_at == NOON


def test_planning_stays_owed_when_something_came_meanwhile(studies: Studies, ledger: Ledger, clock: Clock) -> None:
    studies.owe_plan(STUDY, NOON)
    as_of = studies.last_arrival(STUDY)
    clock.pass_by(seconds=1)
    Instances(ledger, clock).add([arrived("1.2.3.1.2")])
    assert not studies.planned(STUDY, as_of, instances=1, workitems=1)
    assert studies.plans_due() == (STUDY,)


def test_planning_that_failed_is_owed_again_later_and_says_why(studies: Studies, ledger: Ledger, clock: Clock) -> None:
    studies.owe_plan(STUDY, NOON)
    studies.plan_failed(STUDY, "settings-invalid", NOON + timedelta(minutes=1))
    assert studies.plans_due() == ()
    clock.pass_by(minutes=1)
    assert studies.plans_due() == (STUDY,)
    assert Events(ledger).of_study(STUDY)[-1].code == "settings-invalid"


def test_the_longest_owed_study_comes_first(studies: Studies, ledger: Ledger, clock: Clock) -> None:
    other = StudyInstanceUID("4.5.6")
    Instances(ledger, clock).add([arrived("4.5.6.1.1", study=other)])
    studies.owe_plan(STUDY, NOON - timedelta(seconds=1))
    studies.owe_plan(other, NOON - timedelta(seconds=2))
    assert studies.plans_due() == (other, STUDY)


def test_a_summary_counts_what_there_is(studies: Studies, ledger: Ledger, clock: Clock) -> None:
    Instances(ledger, clock).add([arrived("1.2.3.1.2"), arrived("1.2.3.2.1", series="1.2.3.2")])
    item = workitem()
    Workitems(ledger, clock).schedule([item])
    claims = Claims(ledger, clock)
    claims.complete(claimed(claims, item), Completion(findings=(), results=(outgoing(item, "9.9", "pacs"),)))
    summary = studies.summary(STUDY)
    assert (summary.series, summary.instances, summary.modalities) == (2, 3, ("CT",))
    assert summary.workitems == {ProcedureStepState.COMPLETED: 1}
    assert (summary.results, summary.deliveries) == (1, {DeliveryState.PENDING: 2})


def test_the_newest_study_is_listed_first(studies: Studies, ledger: Ledger, clock: Clock) -> None:
    clock.pass_by(seconds=1)
    Instances(ledger, clock).add([arrived("4.5.6.1.1", study="4.5.6")])
    assert [item.study_instance_uid for item in studies.latest()] == ["4.5.6", STUDY]
    assert [item.study_instance_uid for item in studies.latest(1)] == ["4.5.6"]


@pytest.mark.parametrize("ask", ["summary", "receipt", "last_arrival"])
def test_an_unknown_study_is_an_error(studies: Studies, ask: str) -> None:
    with pytest.raises(UnknownStudy):
        getattr(studies, ask)(StudyInstanceUID("7.7"))


def test_a_receipt_is_of_one_moment(
    studies: Studies, ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workitem that completes while the receipt is being read is in all parts of it as it was, or in none."""
    item = workitem()
    Workitems(ledger, clock).schedule([item])
    claims = Claims(ledger, clock)
    claim = claimed(claims, item)
    of_study = Results.of_study

    def completing_first(self: Results, *arguments: object, **options: object) -> object:
        if Workitems(ledger).get(item.uid).state is ProcedureStepState.IN_PROGRESS:
            claims.complete(claim, Completion(findings=(), results=(outgoing(item, "9.9", "pacs"),)))
        return of_study(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Results, "of_study", completing_first)
    before, after = studies.receipt(STUDY), studies.receipt(STUDY)
    assert [status.state for status in before.workitems] == [ProcedureStepState.IN_PROGRESS]
    assert (before.results, before.deliveries, before.summary.deliveries) == ((), (), {})
    assert EventKind.COMPLETED not in {event.kind for event in before.events}
    assert [status.state for status in after.workitems] == [ProcedureStepState.COMPLETED]
    assert len(after.deliveries) == 2


def test_a_snapshot_takes_no_write(ledger: Ledger) -> None:
    with ledger.snapshot() as then, pytest.raises(LedgerError), then.write():
        pass
