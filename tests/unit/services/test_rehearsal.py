"""A rehearsal says what would change, and changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time

from appliance.domain.hours import Hours
from appliance.domain.identifiers import SeriesInstanceUID
from appliance.domain.model_package import Criterion
from appliance.domain.selection import EVERYTHING, Rule, SeriesChoice
from appliance.domain.study import Study
from appliance.domain.workitem import Priority
from appliance.pipeline import Plan, ReportOrder, plan
from appliance.services.rehearsal import rehearse
from tests.unit.test_pipeline import LIVER, NOW, STUDY


def plan_by(study: Study, rules: Sequence[Rule], choices: Mapping[str, SeriesChoice]) -> Plan:
    return plan(study, (LIVER,), rules, ReportOrder(version="1", enabled=False), NOW, choices)


def differences(candidate: Rule, active: Rule = EVERYTHING) -> tuple[str, ...]:
    return rehearse(STUDY, (candidate,), (active,), plan_by).differences


def test_the_same_rules_make_no_difference() -> None:
    assert differences(EVERYTHING) == ()


def test_what_would_no_longer_run_and_what_would_run_as_well_is_told() -> None:
    nothing = Rule(name="MR only", when=(Criterion(keyword="Modality", one_of=("MR",)),))
    assert differences(nothing) == ("liver on …2 would no longer run",)
    assert differences(EVERYTHING, nothing) == ("liver on …2 would run as well",)


def test_other_ways_of_the_same_work_are_told() -> None:
    night = Hours(start=time(20), end=time(6), zone="UTC")
    other = replace(EVERYTHING, priority=Priority.LOW, destinations=(), language="de", run_between=night)
    assert differences(other) == (
        "liver on …2: priority LOW instead of MEDIUM",
        "liver on …2: destinations none instead of *",
        "liver on …2: language de instead of none",
        "liver on …2: run_between between 20:00 and 06:00 (UTC) instead of none",
    )


def test_why_a_rule_does_not_hold_is_told() -> None:
    nothing = Rule(name="MR only", when=(Criterion(keyword="Modality", one_of=("MR",)),))
    (ruling,) = rehearse(STUDY, (nothing,), (EVERYTHING,), plan_by).rulings
    assert ruling.reasons == ("Modality is CT, wanted MR",)


MR_ONLY = Rule(name="MR only", when=(Criterion(keyword="Modality", one_of=("MR",)),))


def chosen(series: str, *unmet: str) -> dict[str, SeriesChoice]:
    return {
        "liver": SeriesChoice(package="liver", series_instance_uid=SeriesInstanceUID(series), revision=1, unmet=unmet)
    }


def test_a_series_chosen_by_hand_runs_whatever_the_rules_say() -> None:
    by_rules = rehearse(STUDY, (EVERYTHING,), (EVERYTHING,), plan_by)
    other = next(
        s.series_instance_uid for s in STUDY.series if s.series_instance_uid not in by_rules.plan.selections[0].chosen
    )
    found = rehearse(STUDY, (MR_ONLY,), (EVERYTHING,), plan_by, chosen(other, "too thick"))
    assert [item.series_instance_uid for item in found.plan.workitems] == [other]
    assert found.by_hand == (
        f"liver on …{other[-8:]} was chosen by hand and runs whatever the rules say; its criteria are not met, so that "
        "nothing of it leaves the node",
    )
    assert not any("no longer run" in difference for difference in found.differences)


def test_a_choice_of_a_series_that_is_gone_leaves_it_to_the_rules() -> None:
    found = rehearse(STUDY, (EVERYTHING,), (EVERYTHING,), plan_by, chosen("1.2.3.999"))
    assert [item.series_instance_uid for item in found.plan.workitems] == ["2"]
    assert "the rules decide" in found.by_hand[0]
