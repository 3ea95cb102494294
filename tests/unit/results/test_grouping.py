from dataclasses import replace

import numpy as np
import pytest

from appliance.domain.coding import ABSENT, MILLILITRE, PRESENT
from appliance.domain.errors import ResultRefused
from appliance.domain.finding import Evaluation, Measurement, Outcome, Region
from appliance.results.codes import PROBABILITY, THRESHOLD
from appliance.results.grouping import group_findings
from tests.helpers.findings import (
    BURNT_IN_TEXT,
    CUT,
    IMAGE_QUALITY,
    POINT,
    SPLEEN,
    VOLUME,
    planar_images,
    segment,
    workitem_for,
)

IMAGES = planar_images()
WORKITEM = workitem_for(IMAGES)
FULL, EMPTY = np.ones((2, 2), bool), np.zeros((2, 2), bool)


def number(value: float = 1.0, **where: int) -> Measurement:
    return Measurement(concept=VOLUME, value=value, unit=MILLILITRE, **where)


def test_what_is_said_of_a_segment_is_one_group() -> None:
    cut = Evaluation(concept=CUT, value=PRESENT, outcome=Outcome.LIMITED, segment=1)
    (group,) = group_findings([number(segment=1), segment(FULL), cut], WORKITEM)
    assert group.segment is not None
    assert group.measurements == (number(segment=1),)
    assert group.evaluations == (cut,)
    assert group.tracking_id == "Liver"


def test_an_empty_segment_is_a_coded_negative() -> None:
    (group,) = group_findings([segment(EMPTY, 1, "Spleen", SPLEEN)], WORKITEM)
    (absence,) = group.evaluations
    assert (absence.concept, absence.value, absence.outcome) == (SPLEEN, ABSENT, Outcome.NEGATIVE)


def test_a_family_s_own_negative_is_not_doubled() -> None:
    own = Evaluation(concept=SPLEEN, value=ABSENT, outcome=Outcome.NEGATIVE, segment=1)
    (group,) = group_findings([segment(EMPTY, 1, "Spleen", SPLEEN), own], WORKITEM)
    assert group.evaluations == (own,)


def test_the_same_number_on_another_image_is_another_subject() -> None:
    findings = [segment(FULL), segment(FULL, source=1), number(2.0, segment=1, source_index=1)]
    first, second = group_findings(findings, WORKITEM)
    assert first.measurements == ()
    assert second.measurements == (findings[2],)
    assert first.tracking_uid != second.tracking_uid


def test_verdicts_carry_their_probability_and_threshold() -> None:
    verdict = Evaluation(
        concept=IMAGE_QUALITY, value=ABSENT, outcome=Outcome.NEGATIVE, probability=0.25, operating_point=POINT
    )
    (group,) = group_findings([verdict], WORKITEM)
    assert [(item.concept, item.value) for item in group.numbers] == [(PROBABILITY, 0.25), (THRESHOLD, 0.5)]


def test_whole_images_and_regions_have_groups_of_their_own() -> None:
    region = Region(concept=BURNT_IN_TEXT, frame=IMAGES.sources[0].frame, polygon=((0, 0), (1, 0), (1, 1)))
    groups = group_findings([number(), number(source_index=1), region, replace(region, probability=0.5)], WORKITEM)
    assert [(item.source_index, len(item.measurements), item.region is not None) for item in groups] == [
        (0, 1, False),
        (1, 1, False),
        (0, 0, True),
        (0, 0, True),
    ]
    assert len({item.tracking_uid for item in groups}) == 4
    assert [item.value for item in groups[3].numbers] == [0.5]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value) -> None:
    with pytest.raises(ResultRefused):
        group_findings([number(value)], WORKITEM)
