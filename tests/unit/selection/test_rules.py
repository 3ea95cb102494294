"""Rules against studies: one series meets all conditions, and every refusal has its reason."""

from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.conditions import AllOf, AnyOf, Condition, Negation, SomeSeries
from appliance.domain.hours import Hours
from appliance.domain.model_package import Criterion
from appliance.domain.selection import EVERYTHING, Rule
from appliance.domain.study import Study
from appliance.domain.workitem import Priority
from appliance.selection.conditions import unmet
from appliance.selection.facts import facts_of
from appliance.selection.rules import NO_SERIES, SWITCHED_OFF, matching, request_for, rulings
from tests.helpers.findings import package
from tests.unit.selection.builders import series, study

CT = Criterion(keyword="Modality", one_of=("CT",))
MR = Criterion(keyword="Modality", one_of=("MR",))
THIN = Criterion(keyword="SliceThickness", maximum=2)
NIGHT = Hours(start=time(20), end=time(6), zone="UTC")
NOON = Hours(start=time(12), end=time(13), zone="UTC")


def test_a_rule_needs_one_series_that_meets_all_its_conditions() -> None:
    both = Rule(
        name="thin CT",
        when=(Criterion(keyword="Modality", one_of=("CT",)), Criterion(keyword="SliceThickness", maximum=2)),
    )
    thick_ct_thin_mr = study(series("1", SliceThickness=5.0), series("2", "MR", SliceThickness=1.0))
    assert matching(thick_ct_thin_mr, [both]) == ()
    assert matching(study(series("1", SliceThickness=1.0)), [both]) == (both,)


def holds(condition: Condition, of: Study) -> bool:
    return bool(matching(of, [Rule(name="r", when=(condition,))]))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (AllOf((CT, THIN)), False),
        (AnyOf((CT, THIN)), True),
        (Negation(CT), True),
        (Negation(AnyOf((CT, MR))), False),
        (AllOf((CT, SomeSeries(AllOf((MR, THIN))))), True),
        (Negation(SomeSeries(MR)), False),
        (Criterion(keyword="ModalitiesInStudy", one_of=("MR",)), True),
        (Criterion(keyword="ModalitiesInStudy", one_of=("US",)), False),
        (Criterion(keyword="NumberOfStudyRelatedSeries", minimum=2, maximum=2), True),
        (Criterion(keyword="NumberOfStudyRelatedInstances", minimum=4, maximum=4), True),
        (Criterion(keyword="NumberOfSeriesRelatedInstances", minimum=3), True),
        (Criterion(keyword="NumberOfSeriesRelatedInstances", minimum=4), False),
        (Criterion(keyword="StudyDescription", matches="Head"), True),
        (Criterion(keyword="CallingAETitle", one_of=("CT1",)), True),
        (Criterion(keyword="SenderAddress", within=("10.0.0.0/8",)), True),
        (Criterion(keyword="CalledAETitle", exists=False), True),
    ],
)
def test_conditions_see_the_series_and_its_study(condition: Condition, expected: bool) -> None:
    thick_ct = series("1", frames=3, came={"CallingAETitle": "CT1", "SenderAddress": "10.1.1.1"}, SliceThickness=5.0)
    thin_mr = series("2", "MR", SliceThickness=1.0)
    assert holds(condition, study(thick_ct, thin_mr, StudyDescription="Head")) is expected


def test_counts_are_of_what_arrived_whatever_the_header_says() -> None:
    boasting = study(series("1", NumberOfSeriesRelatedInstances=400), NumberOfStudyRelatedSeries=9)
    assert facts_of(boasting)[0]["NumberOfSeriesRelatedInstances"] == 1
    assert facts_of(boasting)[0]["NumberOfStudyRelatedSeries"] == 1


def test_a_rule_that_does_not_hold_says_why_for_every_kind_of_series() -> None:
    (ruling,) = rulings(study(series("1", "MR"), series("2", "US"), series("3", "MR")), [Rule(name="r", when=(CT,))])
    assert not ruling.holds
    assert ruling.reasons == ("Modality is MR, wanted CT", "Modality is US, wanted CT")


def test_a_rule_that_holds_names_the_series() -> None:
    (ruling,) = rulings(study(series("1", "MR"), series("2")), [Rule(name="r", when=(CT,))])
    assert (ruling.series, ruling.reasons) == (("2",), ())


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (AnyOf((MR, THIN)), "none of these: Modality is CT, wanted MR; SliceThickness is absent"),
        (Negation(CT), "Modality is CT, which is excluded"),
        (SomeSeries(MR), "no series of the study: Modality is MR"),
        (Negation(AllOf((CT, Negation(MR)))), "(Modality is CT and not (Modality is MR)), which is excluded"),
    ],
)
def test_reasons_of_combined_conditions_are_sentences(condition: Condition, reason: str) -> None:
    (ruling,) = rulings(study(series("1")), [Rule(name="r", when=(condition,))])
    assert ruling.reasons == (reason,)


def test_a_rule_that_is_switched_off_never_holds() -> None:
    (ruling,) = rulings(study(series("1")), [Rule(name="r", enabled=False)])
    assert (ruling.holds, ruling.reasons) == (False, (SWITCHED_OFF,))


def test_a_study_without_series_meets_no_rule() -> None:
    (ruling,) = rulings(study(), [EVERYTHING])
    assert (ruling.holds, ruling.reasons) == (False, (NO_SERIES,))


def ask(*rules: Rule) -> Any:
    return request_for(package(), rules)


def test_several_rules_ask_together() -> None:
    request = ask(
        Rule(name="a", destinations=("pacs",), priority=Priority.LOW),
        Rule(name="other", models=("another",), priority=Priority.HIGH, destinations=("elsewhere",)),
        Rule(name="b", destinations=("archive", "pacs"), language="de"),
    )
    assert (request.rules, request.destinations) == (("a", "b"), ("pacs", "archive"))
    assert (request.priority, request.language) == (Priority.MEDIUM, "de")


def test_a_package_that_nobody_asks_for_gets_no_request() -> None:
    assert ask(Rule(name="a", models=("another",))) is None


def test_work_waits_for_hours_only_if_every_rule_that_asks_for_it_has_hours() -> None:
    assert ask(Rule(name="a", run_between=NIGHT), Rule(name="b", run_between=NOON)).run_between == NIGHT
    assert ask(Rule(name="a", run_between=NIGHT), Rule(name="b")).run_between is None


LEAVES = st.builds(
    lambda keyword, value: Criterion(keyword=keyword, one_of=(value,)),
    st.sampled_from(["Modality", "BodyPartExamined", "Laterality"]),
    st.sampled_from(["CT", "MR", "HEAD", "L"]),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Negation, inner),
        st.builds(SomeSeries, inner),
    ),
    max_leaves=8,
)
STUDIES = st.lists(
    st.fixed_dictionaries(
        {"modality": st.sampled_from(["CT", "MR"])},
        optional={"BodyPartExamined": st.sampled_from(["HEAD", "CHEST"]), "Laterality": st.sampled_from(["L", "R"])},
    ),
    min_size=1,
    max_size=3,
).map(lambda rows: study(*(series(str(index), **row) for index, row in enumerate(rows))))


def oracle(condition: Condition, here: dict[str, Any], everywhere: list[dict[str, Any]]) -> bool:
    """What the words say, without a thought for reasons."""
    if isinstance(condition, Criterion):
        return here.get(condition.keyword) in condition.one_of
    if isinstance(condition, AllOf):
        return all(oracle(part, here, everywhere) for part in condition.parts)
    if isinstance(condition, AnyOf):
        return any(oracle(part, here, everywhere) for part in condition.parts)
    if isinstance(condition, Negation):
        return not oracle(condition.part, here, everywhere)
    return any(oracle(condition.part, there, everywhere) for there in everywhere)


@given(CONDITIONS, STUDIES)
def test_evaluation_agrees_with_a_naive_oracle(condition: Condition, of: Study) -> None:
    plain = [{"Modality": member.modality, **member.attributes} for member in of.series]
    expected = [of.series[i].series_instance_uid for i, here in enumerate(plain) if oracle(condition, here, plain)]
    (ruling,) = rulings(of, [Rule(name="r", when=(condition,))])
    assert list(ruling.series) == expected
    assert bool(ruling.reasons) != ruling.holds


@given(st.lists(CONDITIONS, min_size=1, max_size=3).map(tuple), STUDIES)
def test_de_morgan(parts: tuple[Condition, ...], of: Study) -> None:
    everywhere = facts_of(of)
    for here in everywhere:
        not_all = unmet(Negation(AllOf(parts)), here, everywhere) is None
        any_not = unmet(AnyOf(tuple(Negation(part) for part in parts)), here, everywhere) is None
        not_any = unmet(Negation(AnyOf(parts)), here, everywhere) is None
        all_not = unmet(AllOf(tuple(Negation(part) for part in parts)), here, everywhere) is None
        assert not_all == any_not
        assert not_any == all_not
