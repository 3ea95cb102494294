"""A rehearsal says what would change, and changes nothing."""

from dataclasses import replace
from datetime import time

from appliance.domain.hours import Hours
from appliance.domain.model_package import Criterion
from appliance.domain.selection import EVERYTHING, Rule
from appliance.domain.study import Study
from appliance.domain.workitem import Priority
from appliance.pipeline import Plan, ReportOrder, plan
from appliance.services.rehearsal import rehearse
from tests.unit.test_pipeline import LIVER, NOW, STUDY


def plan_by(study: Study, rules: tuple[Rule, ...]) -> Plan:
    return plan(study, (LIVER,), rules, ReportOrder(version="1", enabled=False), NOW)


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
