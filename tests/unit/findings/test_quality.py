"""A quality score is decided once, and says from what."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from appliance.domain.coding import NO_UNITS, UNDETERMINED
from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.finding import Evaluation, Measurement, OperatingPoint, Outcome
from appliance.findings import codes
from appliance.findings.quality import interpret
from tests.helpers.findings import package
from tests.helpers.shapes import image, on_source_grid

SOURCE = image(np.zeros((4, 4)))
POINT = OperatingPoint(name="motion", threshold=0.375)


def judged(
    values: Any, points: tuple[OperatingPoint, ...] = (POINT,), **options: Any
) -> tuple[Evaluation, Measurement]:
    described = replace(package(), operating_points=points, options=options)
    outputs = {"score": np.array(values, dtype=np.float32)}
    verdict, score = interpret(outputs, on_source_grid(SOURCE), SOURCE, described, source_index=1)
    assert isinstance(verdict, Evaluation)
    assert isinstance(score, Measurement)
    assert (verdict.concept, score.concept, score.unit) == (codes.IMAGE_QUALITY, codes.QUALITY_SCORE, NO_UNITS)
    assert verdict.source_index == score.source_index == 1
    return verdict, score


@pytest.mark.parametrize(
    ("score", "value", "outcome"),
    [
        (0.9, codes.DIAGNOSTIC_QUALITY, Outcome.NEGATIVE),
        (0.375, codes.DIAGNOSTIC_QUALITY, Outcome.NEGATIVE),
        (0.37, codes.LIMITED_QUALITY, Outcome.LIMITED),
        (0.0, codes.LIMITED_QUALITY, Outcome.LIMITED),
    ],
)
def test_the_score_is_compared_with_the_operating_point(score, value, outcome) -> None:
    verdict, measured = judged([score])
    assert (verdict.value, verdict.outcome, verdict.operating_point) == (value, outcome, POINT)
    assert measured.value == pytest.approx(score)


def test_several_scores_count_by_their_mean() -> None:
    verdict, measured = judged([[0.1, 0.9], [0.2, 0.8]])
    assert measured.value == pytest.approx(0.5)
    assert verdict.value == codes.DIAGNOSTIC_QUALITY


def test_close_to_the_threshold_is_undetermined() -> None:
    assert judged([0.45], undetermined_margin=0.125)[0].value == UNDETERMINED
    assert judged([0.51], undetermined_margin=0.125)[0].value == codes.DIAGNOSTIC_QUALITY
    assert judged([0.24], undetermined_margin=0.125)[0].value == codes.LIMITED_QUALITY


@pytest.mark.parametrize("values", [[1.1], [-0.1], [], [np.nan]])
def test_what_is_no_score_is_refused(values) -> None:
    with pytest.raises(RuntimeMismatch):
        judged(values)


@pytest.mark.parametrize("points", [(), (POINT, POINT)])
def test_there_is_exactly_one_operating_point(points) -> None:
    with pytest.raises(ManifestInvalid, match="exactly one"):
        judged([0.5], points)
