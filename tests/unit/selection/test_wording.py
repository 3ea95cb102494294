"""Conditions and rules in words that an administrator can check."""

from datetime import time

import pytest

from appliance.domain.conditions import AllOf, AnyOf, Condition, Negation, SomeSeries
from appliance.domain.hours import Hours
from appliance.domain.model_package import Criterion
from appliance.domain.selection import EVERYTHING, Rule
from appliance.domain.workitem import Priority
from appliance.selection.wording import rule_in_words, sentence

CT = Criterion(keyword="Modality", one_of=("CT",))
MR = Criterion(keyword="Modality", one_of=("MR",))


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (Criterion(keyword="Modality", one_of=("CR", "DX")), "Modality is CR or DX"),
        (Criterion(keyword="Modality", none_of=("CR", "DX")), "Modality is not CR or DX"),
        (Criterion(keyword="SliceThickness", maximum=5, absent_ok=True), "SliceThickness at most 5 (or absent)"),
        (Criterion(keyword="SliceThickness", minimum=1, maximum=5), "SliceThickness at least 1, at most 5"),
        (Criterion(keyword="ViewPosition"), "ViewPosition is present"),
        (Criterion(keyword="ViewPosition", exists=True), "ViewPosition is present"),
        (Criterion(keyword="ViewPosition", exists=False), "ViewPosition is absent"),
        (Criterion(keyword="X", matches="a", excludes="b"), "X matches a, does not match b"),
        (Criterion(keyword="SenderAddress", within=("10.0.0.0/8",)), "SenderAddress is within 10.0.0.0/8"),
        (AllOf((CT, AnyOf((MR, CT)))), "(Modality is CT and (Modality is MR or Modality is CT))"),
        (AllOf((CT,)), "Modality is CT"),
        (Negation(CT), "not (Modality is CT)"),
        (SomeSeries(MR), "some series of the study has (Modality is MR)"),
    ],
)
def test_a_condition_reads_as_a_sentence(condition: Condition, said: str) -> None:
    assert sentence(condition) == said


def test_a_rule_reads_as_lines() -> None:
    rule = Rule(
        name="night",
        when=(CT, Negation(MR)),
        models=("liver",),
        destinations=("pacs", "archive"),
        priority=Priority.LOW,
        language="de",
        run_between=Hours(start=time(20), end=time(6), zone="Europe/Berlin", days=(0, 4)),
        comment="asked for by surgery",
        enabled=False,
    )
    assert list(rule_in_words(rule)) == [
        "It is switched off: it never holds.",
        "Comment: asked for by surgery",
        "When: Modality is CT and not (Modality is MR), on one and the same series.",
        "Run: liver.",
        "Send the results to: pacs, archive.",
        "Priority: LOW, after everything else.",
        "Language of the report: German.",
        "Start the work only between 20:00 and 06:00 (Europe/Berlin) beginning on Mon, Fri.",
    ]


def test_the_rule_that_holds_without_a_file_reads_as_lines() -> None:
    assert list(rule_in_words(EVERYTHING)) == [
        "Always.",
        "Run: every active model that need not be asked for by name.",
        "Send the results to: every destination.",
        "Priority: MEDIUM, in turn.",
    ]


def test_no_destination_keeps_results_here() -> None:
    assert "Send the results to: nowhere but the node itself." in list(rule_in_words(Rule(name="a", destinations=())))
