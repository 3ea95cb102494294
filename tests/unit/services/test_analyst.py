"""An attempt ends in the ledger, whatever happens in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.domain.errors import GantryTilt, OrthancUnavailable
from appliance.domain.workitem import Analysis, ProcedureStepState, Workitem
from appliance.services.analyst import Analyst
from appliance.services.dispatcher import Dispatcher
from appliance.services.editions import Addressed
from appliance.services.laboratory import Produced
from appliance.services.ports import NoQueue
from appliance.store.claims import Claims
from appliance.store.engine import Ledger
from appliance.store.results import ResultFiles, Results
from appliance.store.workitems import Workitems, WorkitemStatus
from tests.unit.store.conftest import STUDY, Clock, clock, ledger, workitem
from tests.unit.store.test_claims import outgoing

__all__ = ["clock", "ledger"]

Work = Callable[[Workitem], Produced]


@pytest.fixture
def workitems(ledger: Ledger, clock: Clock) -> Workitems:
    return Workitems(ledger, clock)


@pytest.fixture
def attempt(ledger: Ledger, clock: Clock, workitems: Workitems, tmp_path: Path):  # type: ignore[no-untyped-def]
    def run(work: Work) -> WorkitemStatus:
        item = workitem()
        workitems.schedule([item])
        analyst = Analyst(
            claims=Claims(ledger, clock),
            produce=work,
            files=ResultFiles(tmp_path),
            dispatcher=Dispatcher(workitems, NoQueue()),
        )
        analyst.run(item.uid, "one")
        return workitems.get(item.uid)

    return run


def produced(item: Workitem) -> Produced:
    return Produced(analysis=Analysis(workitem=item, findings=()), results=(Addressed(result=outgoing(item).result),))


def failing(error: BaseException) -> Work:
    def work(_: Workitem) -> Produced:
        raise error

    return work


def test_work_that_succeeds_completes_with_its_results(attempt, ledger: Ledger) -> None:  # type: ignore[no-untyped-def]
    assert attempt(produced).state is ProcedureStepState.COMPLETED
    assert [record.sop_instance_uid for record in Results(ledger).of_study(STUDY)] == ["9.9"]


def test_refused_input_closes_the_workitem_with_its_code(attempt) -> None:  # type: ignore[no-untyped-def]
    status = attempt(failing(GantryTilt("18 degrees")))
    assert (status.state, status.reason_code) == (ProcedureStepState.CANCELED, "geometry-gantry-tilt")


def test_what_may_succeed_later_is_handed_back(attempt) -> None:  # type: ignore[no-untyped-def]
    status = attempt(failing(OrthancUnavailable()))
    assert (status.state, status.reason_code) == (ProcedureStepState.SCHEDULED, "orthanc-unavailable")
    assert status.attempts == 1


def test_a_defect_closes_the_workitem_without_repeating_what_it_said(attempt) -> None:  # type: ignore[no-untyped-def]
    status = attempt(failing(ValueError("PatientName Doe^Jane")))
    assert (status.state, status.reason_code) == (ProcedureStepState.CANCELED, "internal-error")
    assert "Doe" not in (status.reason_detail or "")
    assert "ValueError" in (status.reason_detail or "")
