"""The series of a study that a package runs on: all that fit, or the best of them."""

from appliance.domain.model_package import SeriesCriteria
from appliance.domain.selection import Considered
from appliance.domain.study import Series, Study
from appliance.selection.criteria import failing, refusal


def consider(study: Study, criteria: SeriesCriteria) -> tuple[Considered, ...]:
    """Every series of the study against the criteria, best candidate first.

    Candidates are ranked by the weights of the preferences they meet, then by their number of frames, then by UID, so
    that the order of arrival decides nothing.
    """
    considered = [(_considered(series, criteria), series) for series in study.series]
    considered.sort(key=lambda item: _rank(*item))
    return tuple(item for item, _ in considered)


def _rank(item: Considered, series: Series) -> tuple[bool, float, int, str]:
    return not item.fits, -item.score, -series.number_of_frames, series.series_instance_uid


def choose(considered: tuple[Considered, ...], criteria: SeriesCriteria) -> tuple[Considered, ...]:
    """Those the package runs on: every one that fits, or the first."""
    fitting = tuple(item for item in considered if item.fits)
    return fitting if criteria.every_series else fitting[:1]


def _considered(series: Series, criteria: SeriesCriteria) -> Considered:
    failures = failing(criteria.required, series)
    attributes = {"Modality": series.modality, **series.attributes}
    met = [(item, weight) for item, weight in criteria.preferred if refusal(item, attributes) is None]
    reasons = failures or tuple(f"{item.keyword} is preferred (+{weight:g})" for item, weight in met)
    return Considered(
        series_instance_uid=series.series_instance_uid,
        modality=series.modality,
        fits=not failures,
        score=0.0 if failures else sum(weight for _, weight in met),
        reasons=reasons,
    )
