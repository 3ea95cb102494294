"""One attempt holds a workitem; a ghost changes nothing; a gate stops what waits for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.domain.coding import PRESENT, private
from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.errors import AttemptsExhausted, LeaseLost, UnknownWorkitem
from appliance.domain.finding import Evaluation, Outcome
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, WorkitemUID
from appliance.domain.workitem import ProcedureStepState, Workitem
from appliance.store.claims import Claim, Claims, Completion
from appliance.store.deliveries import ORTHANC
from appliance.store.engine import Ledger
from appliance.store.outbox import Outbox
from appliance.store.results import OutgoingResult, Results, StoredFile
from appliance.store.transitions import SUPERSEDED
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import STUDY, Clock, workitem

LEASE = timedelta(seconds=60)
FINDING = Evaluation(concept=private("X", "x"), value=PRESENT, outcome=Outcome.POSITIVE)


@pytest.fixture
def workitems(ledger: Ledger, clock: Clock) -> Workitems:
    return Workitems(ledger, clock)


@pytest.fixture
def claims(ledger: Ledger, clock: Clock) -> Claims:
    return Claims(ledger, clock, lease=LEASE, max_attempts=2)


def state(workitems: Workitems, item: Workitem) -> ProcedureStepState:
    return workitems.get(item.uid).state


def claimed(claims: Claims, item: Workitem, worker: str = "one") -> Claim:
    claim = claims.claim(item.uid, worker)
    assert claim is not None
    return claim


def outgoing(item: Workitem, sop: str = "9.9", *destinations: str) -> OutgoingResult:
    result = DicomResult(
        kind=ResultKind.SR,
        workitem_uid=item.uid,
        study_instance_uid=STUDY,
        series_instance_uid=SeriesInstanceUID("9"),
        sop_class_uid="1.2.840.10008.5.1.4.1.1.88.34",
        sop_instance_uid=SOPInstanceUID(sop),
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        description="SR",
        content=b"content",
    )
    return OutgoingResult(result=result, file=StoredFile("a.dcm", "aa", 7), destinations=destinations)


def test_only_one_attempt_holds_a_workitem(workitems: Workitems, claims: Claims) -> None:
    item = workitem()
    workitems.schedule([item])
    assert claimed(claims, item).attempt == 1
    assert claims.claim(item.uid, "two") is None
    assert state(workitems, item) is ProcedureStepState.IN_PROGRESS


def test_a_lease_that_ran_out_is_taken_over_and_the_ghost_cannot_deliver(
    workitems: Workitems, claims: Claims, clock: Clock, ledger: Ledger
) -> None:
    item = workitem()
    workitems.schedule([item])
    ghost = claimed(claims, item)
    clock.pass_by(seconds=61)
    heir = claimed(claims, item, "two")
    with pytest.raises(LeaseLost):
        claims.heartbeat(ghost)
    with pytest.raises(LeaseLost):
        claims.complete(ghost, Completion(findings=(FINDING,), results=(outgoing(item, "6.6"),)))
    assert Results(ledger).of_study(STUDY) == ()
    claims.complete(heir, Completion(findings=(FINDING,), results=(outgoing(item),)))
    assert [record.sop_instance_uid for record in Results(ledger).of_study(STUDY)] == ["9.9"]


def test_a_heartbeat_keeps_the_claim(workitems: Workitems, claims: Claims, clock: Clock) -> None:
    item = workitem()
    workitems.schedule([item])
    claim = claimed(claims, item)
    for _ in range(3):
        clock.pass_by(seconds=50)
        claims.heartbeat(claim)
    assert claims.claim(item.uid, "two") is None


def test_work_that_kills_its_workers_wears_out(workitems: Workitems, claims: Claims, clock: Clock) -> None:
    item = workitem()
    workitems.schedule([item])
    for _ in range(2):
        claimed(claims, item)
        clock.pass_by(seconds=61)
    assert claims.claim(item.uid, "three") is None
    assert state(workitems, item) is ProcedureStepState.CANCELED
    assert workitems.get(item.uid).reason_code == AttemptsExhausted.code


def test_an_orderly_stop_does_not_count_as_an_attempt(workitems: Workitems, claims: Claims) -> None:
    item = workitem()
    workitems.schedule([item])
    for _ in range(5):
        claims.release(claimed(claims, item), "worker-stopped", counted=False)
    assert claimed(claims, item).attempt == 1


def test_a_released_workitem_waits_for_its_time(workitems: Workitems, claims: Claims, clock: Clock) -> None:
    item = workitem()
    workitems.schedule([item])
    claims.release(claimed(claims, item), "transient", again_in=timedelta(seconds=10))
    assert claims.claim(item.uid, "two") is None
    clock.pass_by(seconds=11)
    assert claimed(claims, item).attempt == 2


def test_completion_closes_and_fills_the_outbox_together(workitems: Workitems, claims: Claims, ledger: Ledger) -> None:
    item = workitem()
    workitems.schedule([item])
    claim = claimed(claims, item)
    claims.complete(claim, Completion(findings=(FINDING,), results=(outgoing(item, "9.9", "pacs"),)))
    assert state(workitems, item) is ProcedureStepState.COMPLETED
    assert workitems.analyses(STUDY)[0].findings == (FINDING,)
    assert [row.destination for row in Outbox(ledger).of_study(STUDY)] == [ORTHANC, "pacs"]
    with pytest.raises(LeaseLost):
        claims.complete(claim, Completion(findings=()))
    assert claims.claim(item.uid, "two") is None


def test_a_gate_that_stops_cancels_every_analysis_that_waits_but_not_the_report(
    workitems: Workitems, claims: Claims
) -> None:
    gate = workitem("gate")
    here = workitem("liver", waits_for=(gate.uid,))
    elsewhere = workitem("brain", series="1.2.3.2", waits_for=(gate.uid,))
    report = workitem("report", series=None, waits_for=(gate.uid, here.uid, elsewhere.uid))
    workitems.schedule([gate, here, elsewhere, report])
    assert [item.uid for item in workitems.runnable()] == [gate.uid]
    assert claims.claim(here.uid, "early") is None
    claims.complete(claimed(claims, gate), Completion(findings=(), stopped="input-modality-contradicted"))
    for item in (here, elsewhere):
        assert state(workitems, item) is ProcedureStepState.CANCELED
        assert workitems.get(item.uid).reason_code == "input-modality-contradicted"
    assert [item.uid for item in workitems.runnable()] == [report.uid]


def test_a_gate_that_fails_holds_nothing_up(workitems: Workitems, claims: Claims) -> None:
    gate = workitem("gate")
    analysis = workitem("liver", waits_for=(gate.uid,))
    workitems.schedule([gate, analysis])
    claims.cancel(claimed(claims, gate), "internal-error")
    assert [item.uid for item in workitems.runnable()] == [analysis.uid]


def test_scheduling_again_changes_nothing(workitems: Workitems) -> None:
    item = workitem()
    assert workitems.schedule([item]) == (item.uid,)
    assert workitems.schedule([item, replace(item, language="de")]) == ()
    assert workitems.get(item.uid).workitem.language == ""


def test_late_slices_replace_what_was_under_way(workitems: Workitems, claims: Claims, ledger: Ledger) -> None:
    early = workitem()
    late = workitem(instances=(SOPInstanceUID("1.2.3.1.1"), SOPInstanceUID("1.2.3.1.2")))
    workitems.schedule([early])
    claims.complete(claimed(claims, early), Completion(findings=(FINDING,), results=(outgoing(early, "9.1"),)))
    workitems.schedule([late])
    claims.complete(claimed(claims, late), Completion(findings=(FINDING,), results=(outgoing(late, "9.2"),)))
    standing = Results(ledger).of_study(STUDY)
    assert [record.sop_instance_uid for record in standing] == ["9.2"]
    unfinished = workitem(instances=(SOPInstanceUID("1.2.3.1.3"),))
    workitems.schedule([unfinished])
    workitems.schedule([workitem(instances=(SOPInstanceUID("1.2.3.1.4"),))])
    assert workitems.get(unfinished.uid).reason_code == SUPERSEDED


def test_an_unknown_workitem_is_an_error(claims: Claims) -> None:
    with pytest.raises(UnknownWorkitem):
        claims.claim(WorkitemUID("7.7"), "one")
