"""plan(): every package against the study, gates first, the report last, nothing twice."""

from dataclasses import replace
from datetime import UTC, datetime, time
from types import MappingProxyType
from typing import Any

from appliance.domain.hours import Hours
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID
from appliance.domain.model_package import Criterion, InputKind, ModelPackage, Role, SeriesCriteria, Status
from appliance.domain.selection import EVERYTHING, Rule, SeriesChoice
from appliance.domain.study import Instance, Series, Study
from appliance.domain.workitem import REPORT_PACKAGE, Priority
from appliance.pipeline import UNCLAIMED, Plan, ReportOrder, plan

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def package(name: str, modality: str, role: Role = Role.ANALYSIS, **selection: Any) -> ModelPackage:
    return ModelPackage(
        name=name,
        version="1.0.0",
        title=name,
        manufacturer="Example",
        licence="MIT",
        intended_use="tests",
        status=Status.INVESTIGATIONAL,
        role=role,
        input_kind=InputKind.VOLUME,
        selection=SeriesCriteria(required=(Criterion(keyword="Modality", one_of=(modality,)),), **selection),
        stages=(),
        family="segmentation",
        results=("SR",),
        files=MappingProxyType({}),
    )


LIVER = package("liver", "CT")
BRAIN = package("brain", "MR")
GATE = package("ct-or-mr", "CT", Role.GATE_STOP, every_series=True)


def series(uid: str, modality: str, slices: int = 3) -> Series:
    instances = tuple(
        Instance(sop_instance_uid=SOPInstanceUID(f"{uid}.{index}"), sop_class_uid="1.2.3", transfer_syntax_uid="1.2.4")
        for index in range(slices)
    )
    return Series(series_instance_uid=SeriesInstanceUID(uid), modality=modality, instances=instances)


STUDY = Study(study_instance_uid=StudyInstanceUID("9"), series=(series("1", "CT"), series("2", "CT", 5)))


def planned(study: Study = STUDY, rules: tuple[Rule, ...] = (EVERYTHING,), **report: Any) -> Plan:
    order = ReportOrder(version="0.1.0", **report)
    return plan(study, (BRAIN, GATE, LIVER), rules, order, NOW)


def test_analyses_wait_for_the_gate_and_the_report_for_all() -> None:
    gate, liver, report = planned().workitems
    assert (gate.package, liver.package, report.package) == ("ct-or-mr", "liver", REPORT_PACKAGE)
    assert liver.waits_for == (gate.uid,)
    assert set(report.waits_for) == {gate.uid, liver.uid}
    assert report.series_instance_uid is None


def test_a_gate_runs_only_where_an_analysis_does() -> None:
    gate = planned().workitems[0]
    assert gate.series_instance_uid == "2"
    selection = next(item for item in planned().selections if item.package == GATE.identity)
    assert {item.series_instance_uid: (item.fits, item.reasons) for item in selection.considered} == {
        "2": (True, ()),
        "1": (False, (UNCLAIMED,)),
    }
    assert [item.package for item in plan(STUDY, (GATE,), (EVERYTHING,), ReportOrder(version="1"), NOW).workitems] == []


def test_every_package_that_was_asked_for_is_accounted_for() -> None:
    selections = {item.package: item for item in planned().selections}
    assert selections["liver@1.0.0"].chosen == ("2",)
    assert selections["brain@1.0.0"].chosen == ()
    assert selections["brain@1.0.0"].considered[0].reasons == ("Modality is CT, wanted MR",)


def test_a_study_that_no_model_wants_has_no_workitem_and_no_report() -> None:
    assert planned(replace(STUDY, series=(series("1", "US"),))).workitems == ()


def test_no_report_when_it_is_switched_off() -> None:
    assert REPORT_PACKAGE not in {item.package for item in planned(enabled=False).workitems}


def test_the_same_study_gives_the_same_workitems_in_any_order() -> None:
    backwards = replace(STUDY, series=tuple(replace(s, instances=s.instances[::-1]) for s in reversed(STUDY.series)))
    assert [item.uid for item in planned(backwards).workitems] == [item.uid for item in planned().workitems]


def test_a_late_slice_makes_other_workitems() -> None:
    late = replace(STUDY, series=(STUDY.series[0], series("2", "CT", 6)))
    assert not {item.uid for item in planned(late).workitems} & {item.uid for item in planned().workitems}


def test_rules_set_destinations_priority_and_language_together() -> None:
    rules = (
        Rule(name="a", models=("liver",), destinations=("pacs",), priority=Priority.LOW),
        Rule(name="b", models=("liver",), destinations=("archive", "pacs"), priority=Priority.HIGH, language="de"),
    )
    liver, report = planned(rules=rules).workitems
    assert (liver.destinations, liver.priority, liver.language) == (("pacs", "archive"), Priority.HIGH, "de")
    assert (report.destinations, report.priority, report.language) == (("pacs", "archive"), Priority.HIGH, "de")


def test_a_package_on_request_runs_only_when_named() -> None:
    shy = package("shy", "CT", on_request_only=True)
    order = ReportOrder(version="1", enabled=False)
    assert plan(STUDY, (shy,), (EVERYTHING,), order, NOW).workitems == ()
    named = Rule(name="ask", models=("shy",))
    assert [item.package for item in plan(STUDY, (shy,), (named,), order, NOW).workitems] == ["shy"]


NIGHT = Hours(start=time(20), end=time(6), zone="UTC")


def hours(*rules: Rule) -> dict[str, bool]:
    return {item.package: item.run_between is not None for item in planned(rules=rules).workitems}


def test_work_of_a_rule_with_hours_carries_them_and_its_gate_does_too() -> None:
    assert hours(Rule(name="a", run_between=NIGHT)) == {"ct-or-mr": True, "liver": True, REPORT_PACKAGE: False}


def test_a_study_with_stat_work_waits_for_nothing() -> None:
    at_night = Rule(name="night", models=("liver", "ct-or-mr"), run_between=NIGHT)
    other = package("spleen", "CT")
    stat = Rule(name="stat", models=("spleen",), priority=Priority.HIGH)
    found = plan(STUDY, (GATE, LIVER, other), (at_night, stat), ReportOrder(version="1"), NOW)
    assert {item.package: item.run_between for item in found.workitems if item.run_between} == {}


def test_a_gate_keeps_no_analysis_waiting_that_may_begin() -> None:
    by_day = Rule(name="day", models=("liver",))
    at_night = Rule(name="night", models=("ct-or-mr",), run_between=NIGHT)
    assert hours(by_day, at_night) == {"ct-or-mr": False, "liver": False, REPORT_PACKAGE: False}


def chosen(series_uid: str, *, package_: ModelPackage = LIVER, **values: Any) -> Plan:
    choice = SeriesChoice(package=package_.name, series_instance_uid=SeriesInstanceUID(series_uid), **values)
    by_name = {item.name: item for item in (BRAIN, GATE, package_)}
    packages = tuple(by_name.values())
    return plan(STUDY, packages, (EVERYTHING,), ReportOrder(version="1"), NOW, {package_.name: choice})


def test_a_choice_wins_over_the_ranking_and_its_gate_follows() -> None:
    gate, liver, _ = chosen("1").workitems
    assert (gate.series_instance_uid, liver.series_instance_uid) == ("1", "1")
    assert liver.instead
    assert not gate.instead


def test_a_choice_of_a_series_that_is_gone_or_fits_no_more_does_not_count() -> None:
    assert chosen("7").workitems[1].series_instance_uid == "2"
    assert [item.package for item in chosen("1", package_=BRAIN).workitems] == []


def test_a_choice_that_does_not_fit_stays_in_the_node() -> None:
    brain = chosen("1", package_=BRAIN, unmet=("Modality is CT, wanted MR",)).workitems[1]
    assert (brain.package, brain.destinations) == ("brain", ())
    assert brain.unmet == ("Modality is CT, wanted MR",)


def test_a_choice_for_a_model_that_takes_every_series_replaces_none() -> None:
    everywhere = package("lesions", "CT", every_series=True)
    items = [item for item in chosen("1", package_=everywhere).workitems if item.package == "lesions"]
    assert {item.series_instance_uid for item in items} == {"1", "2"}
    assert not any(item.instead for item in items)


def test_a_chosen_series_is_run_whether_a_rule_asks_for_the_model_or_not() -> None:
    shy = package("shy", "CT", on_request_only=True)
    assert [item.series_instance_uid for item in chosen("1", package_=shy).workitems if item.package == "shy"] == ["1"]
