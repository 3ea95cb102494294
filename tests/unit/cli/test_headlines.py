"""One line for an analysis: what it found, or why it stopped the study."""

from datetime import UTC, datetime

import pytest

from appliance.cli.headlines import headline
from appliance.domain.coding import PRESENT, private
from appliance.domain.finding import Evaluation, Finding, Narrative, Outcome, Sentence
from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID, WorkitemUID
from appliance.domain.workitem import Analysis, Workitem


def analysis(*findings: Finding, stopped: str | None = None) -> Analysis:
    item = Workitem(
        uid=WorkitemUID("1.9"),
        study_instance_uid=StudyInstanceUID("1"),
        series_instance_uid=SeriesInstanceUID("1.1"),
        package="blob",
        version="1.0.0",
        sop_instance_uids=(),
        created_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    return Analysis(workitem=item, findings=findings, stopped=stopped)


FOUND = Evaluation(concept=private("X", "Nodule"), value=PRESENT, outcome=Outcome.POSITIVE)


def test_a_gate_that_stopped_says_so() -> None:
    assert headline(analysis(FOUND, stopped="input-modality-contradicted")) == (
        "stopped the study: input-modality-contradicted"
    )


def test_a_finding_is_stated() -> None:
    assert "Nodule" in headline(analysis(FOUND))


def test_the_remark_that_nothing_was_found_is_left_out() -> None:
    assert "No positive finding" not in headline(analysis(FOUND))


def test_a_report_gives_the_first_sentence_of_its_impression() -> None:
    impression = (Sentence(text="First."), Sentence(text="Second."))
    narrative = Narrative(language="en", title="Report", findings=(), impression=impression)
    assert headline(analysis(narrative)) == "First."


@pytest.mark.parametrize("language", ["en", "de"])
def test_an_analysis_without_findings_has_a_line_all_the_same(language: str) -> None:
    assert headline(analysis(), language)


def test_a_report_without_an_impression_gives_its_first_finding() -> None:
    narrative = Narrative(language="en", title="Report", findings=(Sentence(text="Seen."),), impression=())
    assert headline(analysis(narrative)) == "Seen."
