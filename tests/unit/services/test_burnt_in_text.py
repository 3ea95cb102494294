"""A destination that refuses burnt-in text gets nothing of a study before, or unless, the check found none."""

from collections.abc import Callable

import pytest

from appliance.delivery.sender import Outcome
from appliance.domain.coding import ABSENT, PRESENT, CodedConcept
from appliance.domain.finding import Evaluation
from appliance.domain.finding import Outcome as Reads
from appliance.findings.codes import BURNT_IN_TEXT
from appliance.services.burnt_in_text import BurntInText
from appliance.store.claims import Claims, Completion
from appliance.store.engine import Ledger
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import STUDY, Clock, clock, ledger, workitem
from tests.unit.store.test_claims import claimed

__all__ = ["clock", "ledger"]

CHECK = workitem("text-check")


@pytest.fixture
def text(ledger: Ledger, clock: Clock) -> BurntInText:
    workitems = Workitems(ledger, clock)
    workitems.schedule([CHECK, workitem("liver")])
    return BurntInText(workitems, lambda: frozenset({"text-check"}))


@pytest.fixture
def ends(ledger: Ledger, clock: Clock) -> Callable[[CodedConcept], None]:
    def complete(value: CodedConcept) -> None:
        claims = Claims(ledger, clock)
        found = Evaluation(concept=BURNT_IN_TEXT, value=value, outcome=Reads.INFORMATIVE)
        claims.complete(claimed(claims, CHECK), Completion(findings=(found,)))

    return complete


def test_while_the_check_is_under_way_nothing_is_sent(text: BurntInText) -> None:
    answer = text.objection(STUDY)
    assert answer is not None
    assert answer.outcome is Outcome.POSTPONED


def test_a_study_without_text_is_free(text: BurntInText, ends: Callable[[CodedConcept], None]) -> None:
    ends(ABSENT)
    assert text.objection(STUDY) is None


def test_a_study_with_text_is_refused(text: BurntInText, ends: Callable[[CodedConcept], None]) -> None:
    ends(PRESENT)
    answer = text.objection(STUDY)
    assert answer is not None
    assert (answer.outcome, answer.code) == (Outcome.REFUSED, "destination-refuses-burnt-in-text")


def test_what_could_not_be_checked_is_refused(text: BurntInText, ledger: Ledger, clock: Clock) -> None:
    Workitems(ledger, clock).cancel(CHECK.uid, "input-pixels-damaged")
    answer = text.objection(STUDY)
    assert answer is not None
    assert answer.outcome is Outcome.REFUSED
    assert "input-pixels-damaged" in answer.detail


def test_a_study_that_no_check_applies_to_is_free(ledger: Ledger, clock: Clock) -> None:
    workitems = Workitems(ledger, clock)
    workitems.schedule([workitem("liver")])
    assert BurntInText(workitems, lambda: frozenset({"text-check"})).objection(STUDY) is None
