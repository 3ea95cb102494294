"""The gate that compares the header's Modality with the intensities, and what stops a series."""

import numpy as np
import pytest

from appliance.domain.coding import ABSENT, PRESENT, RATIO, UNDETERMINED
from appliance.domain.errors import RuntimeMismatch
from appliance.domain.finding import Evaluation, Measurement, Outcome
from appliance.findings import codes, stop_code
from appliance.findings.modality import interpret
from tests.helpers.findings import package
from tests.helpers.shapes import AXIAL, Grid, on_source_grid, volume

GRID = Grid((3, 4, 4), AXIAL)


def voted(for_mr: float, modality: str) -> tuple[Evaluation, Measurement]:
    source = volume(GRID, np.zeros(GRID.shape), modality=modality)
    verdict, share = interpret({"vote": np.array([[for_mr]])}, on_source_grid(source), source, package())
    assert isinstance(verdict, Evaluation)
    assert isinstance(share, Measurement)
    return verdict, share


@pytest.mark.parametrize(
    ("for_mr", "modality", "value", "outcome", "probability"),
    [
        (0.2, "CT", ABSENT, Outcome.NEGATIVE, 0.2),
        (0.9, "CT", PRESENT, Outcome.POSITIVE, 0.9),
        (0.9, "MR", ABSENT, Outcome.NEGATIVE, 0.1),
        (0.2, "MR", PRESENT, Outcome.POSITIVE, 0.8),
        (0.5, "CT", PRESENT, Outcome.POSITIVE, 0.5),  # the majority for CT must be one
        (0.9, "PT", UNDETERMINED, Outcome.LIMITED, None),
    ],
)
def test_the_vote_is_held_against_the_header(for_mr, modality, value, outcome, probability) -> None:
    verdict, share = voted(for_mr, modality)
    assert (verdict.concept, verdict.value, verdict.outcome) == (codes.MODALITY_CONTRADICTED, value, outcome)
    assert verdict.probability == (None if probability is None else pytest.approx(probability))
    assert (share.concept, share.value, share.unit) == (codes.CT_LIKELIHOOD, pytest.approx(1 - for_mr), RATIO)


def test_only_a_contradiction_stops_the_series() -> None:
    assert stop_code(voted(0.9, "CT")) == "input-modality-contradicted"
    assert stop_code(voted(0.1, "CT")) is None
    assert stop_code(voted(0.9, "PT")) is None


def test_limited_quality_stops_and_other_findings_do_not() -> None:
    limited = Evaluation(concept=codes.IMAGE_QUALITY, value=codes.LIMITED_QUALITY, outcome=Outcome.LIMITED)
    good = Evaluation(concept=codes.IMAGE_QUALITY, value=codes.DIAGNOSTIC_QUALITY, outcome=Outcome.NEGATIVE)
    cut = Evaluation(concept=codes.ANATOMY_COVERAGE_INCOMPLETE, value=PRESENT, outcome=Outcome.LIMITED)
    assert stop_code([good, cut, limited]) == "input-quality-insufficient"
    assert stop_code([good, cut]) is None
    assert stop_code([]) is None


@pytest.mark.parametrize("vote", [np.array([1.5]), np.array([-0.1]), np.array([0.1, 0.2]), np.array([np.nan])])
def test_what_is_no_vote_is_refused(vote) -> None:
    source = volume(GRID, np.zeros(GRID.shape))
    with pytest.raises(RuntimeMismatch):
        interpret({"vote": vote}, on_source_grid(source), source, package())
