"""A study says in one word how it stands, and what ended badly stays in sight until it is replaced."""

from datetime import timedelta

import pytest

from appliance.store.claims import Claims, Completion
from appliance.store.engine import Ledger
from appliance.store.instances import Instances
from appliance.store.outbox import Outbox
from appliance.store.studies import Studies
from appliance.store.study_state import StudyState
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import NOON, STUDY, Clock, arrived, workitem
from tests.unit.store.test_claims import claimed, outgoing


@pytest.fixture
def studies(ledger: Ledger, clock: Clock) -> Studies:
    return Studies(ledger, clock)


@pytest.fixture
def workitems(ledger: Ledger, clock: Clock) -> Workitems:
    return Workitems(ledger, clock)


def plan(studies: Studies) -> None:
    studies.planned(STUDY, studies.last_arrival(STUDY), instances=1, workitems=0)


def standing(studies: Studies) -> tuple[StudyState, tuple[str, ...]]:
    summary = studies.summary(STUDY)
    return summary.state, summary.failures


def test_a_study_goes_from_arriving_to_done(
    studies: Studies, workitems: Workitems, ledger: Ledger, clock: Clock
) -> None:
    assert standing(studies) == (StudyState.ARRIVING, ())
    plan(studies)
    assert standing(studies) == (StudyState.NOT_APPLICABLE, ())
    workitems.schedule([workitem()])
    assert standing(studies) == (StudyState.WORKING, ())
    claims, outbox = Claims(ledger, clock), Outbox(ledger, clock)
    completion = Completion(findings=(), results=(outgoing(workitem()),))
    claims.complete(claimed(claims, workitem()), completion)
    assert standing(studies) == (StudyState.DELIVERING, ())
    outbox.delivered(outbox.take(timedelta(seconds=9))[0])
    assert standing(studies) == (StudyState.DONE, ())
    Instances(ledger, clock).add([arrived("1.2.3.1.7")])
    assert standing(studies)[0] is StudyState.ARRIVING


def test_what_a_destination_accepted_and_does_not_show_yet_is_under_way(
    studies: Studies, workitems: Workitems, ledger: Ledger, clock: Clock
) -> None:
    plan(studies)
    workitems.schedule([workitem()])
    claims, outbox = Claims(ledger, clock), Outbox(ledger, clock)
    claims.complete(claimed(claims, workitem()), Completion(findings=(), results=(outgoing(workitem()),)))
    outbox.accepted(outbox.take(timedelta(seconds=9))[0], look_for_it=True)
    assert standing(studies) == (StudyState.DELIVERING, ())


def test_a_workitem_that_ended_badly_shows_until_it_is_replaced(
    studies: Studies, workitems: Workitems, ledger: Ledger, clock: Clock
) -> None:
    plan(studies)
    workitems.schedule([workitem()])
    claims = Claims(ledger, clock)
    claims.cancel(claimed(claims, workitem()), "geometry-gantry-tilt")
    assert standing(studies) == (StudyState.FAILED, ("geometry-gantry-tilt",))
    clock.pass_by(seconds=1)
    workitems.repeat(workitem().uid)
    assert standing(studies) == (StudyState.WORKING, ())


def test_what_was_replaced_is_no_failure(studies: Studies, workitems: Workitems) -> None:
    plan(studies)
    workitems.schedule([workitem()])
    workitems.repeat(workitem().uid)
    assert standing(studies) == (StudyState.WORKING, ())


def test_a_study_that_cannot_be_planned_shows_why_until_it_can(studies: Studies) -> None:
    studies.plan_failed(STUDY, "settings-invalid", NOON)
    assert standing(studies) == (StudyState.FAILED, ("settings-invalid",))
    plan(studies)
    assert standing(studies) == (StudyState.NOT_APPLICABLE, ())


def test_a_delivery_that_was_given_up_shows(
    studies: Studies, workitems: Workitems, ledger: Ledger, clock: Clock
) -> None:
    plan(studies)
    workitems.schedule([workitem()])
    claims, outbox = Claims(ledger, clock), Outbox(ledger, clock)
    claims.complete(claimed(claims, workitem()), Completion(findings=(), results=(outgoing(workitem()),)))
    outbox.dead(outbox.take(timedelta(seconds=9))[0], "destination-refused", "0122")
    assert standing(studies) == (StudyState.FAILED, ("destination-refused",))
