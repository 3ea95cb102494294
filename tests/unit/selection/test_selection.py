"""Criteria, ranking and rules: what is chosen, and the sentence for what is not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID
from appliance.domain.model_package import Criterion, SeriesCriteria
from appliance.domain.selection import Rule
from appliance.domain.study import Instance, Series, Study
from appliance.selection.criteria import failing
from appliance.selection.rules import matching
from appliance.selection.selector import choose, consider


def series(uid: str, modality: str = "CT", frames: int = 1, **attributes: Any) -> Series:
    instances = tuple(
        Instance(
            sop_instance_uid=SOPInstanceUID(f"{uid}.{index}"),
            sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax_uid="1.2.840.10008.1.2.1",
        )
        for index in range(frames)
    )
    return Series(
        series_instance_uid=SeriesInstanceUID(uid), modality=modality, instances=instances, attributes=attributes
    )


def study(*members: Series) -> Study:
    return Study(study_instance_uid=StudyInstanceUID("1.2"), series=members)


@pytest.mark.parametrize(
    ("criterion", "attributes", "reason"),
    [
        (Criterion(keyword="Modality", one_of=("ct",)), {}, None),
        (Criterion(keyword="Modality", one_of=("MR", "PT")), {}, "Modality is CT, wanted MR or PT"),
        (Criterion(keyword="BodyPartExamined", one_of=("HEAD",)), {}, "BodyPartExamined is absent"),
        (Criterion(keyword="BodyPartExamined", one_of=("HEAD",), absent_ok=True), {}, None),
        (Criterion(keyword="BodyPartExamined", one_of=("HEAD",), absent_ok=True), {"BodyPartExamined": ""}, None),
        (
            Criterion(keyword="ImageType", none_of=("LOCALIZER",)),
            {"ImageType": ("ORIGINAL", "PRIMARY", "LOCALIZER")},
            "ImageType is ORIGINAL\\PRIMARY\\LOCALIZER, which is excluded",
        ),
        (
            Criterion(keyword="SliceThickness", maximum=3.0),
            {"SliceThickness": 5.0},
            "SliceThickness is 5, wanted at most 3",
        ),
        (
            Criterion(keyword="NumberOfSlices", minimum=20),
            {"NumberOfSlices": 3},
            "NumberOfSlices is 3, wanted at least 20",
        ),
        (Criterion(keyword="SliceThickness", minimum=1), {"SliceThickness": "thin"}, "wanted a number"),
        (Criterion(keyword="SeriesDescription", matches="(?i)t1"), {"SeriesDescription": "AX T1 MPR"}, None),
        (Criterion(keyword="SeriesDescription", matches="(?i)t1"), {"SeriesDescription": "T2"}, "does not match"),
    ],
)
def test_a_criterion_holds_or_says_why_not(
    criterion: Criterion, attributes: dict[str, Any], reason: str | None
) -> None:
    found = failing((criterion,), series("1", **attributes))
    assert (found == ()) if reason is None else (reason in found[0])


CT_ONLY = SeriesCriteria(
    required=(Criterion(keyword="Modality", one_of=("CT",)),),
    preferred=((Criterion(keyword="ConvolutionKernel", one_of=("B31f",)), 2.0),),
)


def test_the_preferred_series_wins_then_the_longer_one() -> None:
    members = [series("1", frames=9), series("2", frames=2, ConvolutionKernel="B31f"), series("3", "MR", frames=50)]
    considered = consider(study(*members), CT_ONLY)
    assert [item.series_instance_uid for item in considered] == ["2", "1", "3"]
    assert [item.series_instance_uid for item in choose(considered, CT_ONLY)] == ["2"]
    assert considered[2].reasons == ("Modality is MR, wanted CT",)


def test_every_series_takes_all_that_fit() -> None:
    criteria = SeriesCriteria(required=CT_ONLY.required, every_series=True)
    considered = consider(study(series("1"), series("2"), series("3", "MR")), criteria)
    assert {item.series_instance_uid for item in choose(considered, criteria)} == {"1", "2"}


@given(st.permutations([("1", 3, "B70"), ("2", 3, "B31f"), ("3", 5, "B70"), ("4", 3, "B31f")]))
def test_the_order_of_arrival_decides_nothing(order: list[tuple[str, int, str]]) -> None:
    members = [series(uid, frames=frames, ConvolutionKernel=kernel) for uid, frames, kernel in order]
    assert [item.series_instance_uid for item in consider(study(*members), CT_ONLY)] == ["2", "4", "3", "1"]


def test_a_rule_needs_one_series_that_meets_all_its_conditions() -> None:
    both = Rule(
        name="thin CT",
        when=(Criterion(keyword="Modality", one_of=("CT",)), Criterion(keyword="SliceThickness", maximum=2)),
    )
    thick_ct_thin_mr = study(series("1", SliceThickness=5.0), series("2", "MR", SliceThickness=1.0))
    assert matching(thick_ct_thin_mr, [both]) == ()
    assert matching(study(series("1", SliceThickness=1.0)), [both]) == (both,)
