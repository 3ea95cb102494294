"""Series are ranked by what they meet and never by the order of arrival; every reason is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.model_package import Criterion, SeriesCriteria
from appliance.selection.selector import choose, consider
from tests.unit.selection.builders import series, study

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


def test_what_the_best_series_is_preferred_for_is_said() -> None:
    considered = consider(study(series("1", ConvolutionKernel="B31f")), CT_ONLY)
    assert considered[0].reasons == ("ConvolutionKernel is preferred (+2)",)
    assert considered[0].score == 2.0


def test_every_reason_of_a_series_that_does_not_fit_is_kept() -> None:
    criteria = SeriesCriteria(
        required=(
            Criterion(keyword="Modality", one_of=("CT",)),
            Criterion(keyword="SliceThickness", maximum=3),
            Criterion(keyword="NumberOfSlices", minimum=20),
        )
    )
    (item,) = consider(study(series("1", "MR", SliceThickness=5.0)), criteria)
    assert not item.fits
    assert item.reasons == (
        "Modality is MR, wanted CT",
        "SliceThickness is 5, wanted at most 3",
        "NumberOfSlices is absent",
    )


def test_a_series_that_does_not_fit_earns_nothing_by_preferences() -> None:
    considered = consider(study(series("1", "MR", ConvolutionKernel="B31f")), CT_ONLY)
    assert (considered[0].fits, considered[0].score) == (False, 0.0)


def test_where_nothing_fits_nothing_is_chosen() -> None:
    for criteria in (CT_ONLY, SeriesCriteria(required=CT_ONLY.required, every_series=True)):
        assert choose(consider(study(series("1", "MR")), criteria), criteria) == ()
        assert choose(consider(study(), criteria), criteria) == ()


@pytest.mark.parametrize("weights", [(1.0, 2.0), (2.0, 1.0)])
def test_weights_decide_between_preferences(weights: tuple[float, float]) -> None:
    criteria = SeriesCriteria(
        required=CT_ONLY.required,
        preferred=(
            (Criterion(keyword="ConvolutionKernel", one_of=("B31f",)), weights[0]),
            (Criterion(keyword="SliceThickness", maximum=1), weights[1]),
        ),
    )
    members = study(series("1", ConvolutionKernel="B31f"), series("2", SliceThickness=1.0))
    best = consider(members, criteria)[0]
    assert best.series_instance_uid == ("1" if weights[0] > weights[1] else "2")


@given(st.lists(st.sampled_from(["CT", "MR", "US"]), max_size=6))
def test_every_series_is_considered_exactly_once(modalities: list[str]) -> None:
    members = study(*(series(str(index), modality) for index, modality in enumerate(modalities)))
    considered = consider(members, CT_ONLY)
    assert sorted(item.series_instance_uid for item in considered) == sorted(
        item.series_instance_uid for item in members.series
    )
    assert all(item.fits == (item.modality == "CT") for item in considered)
