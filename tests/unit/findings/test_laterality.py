"""Labels get the side that the patient's geometry gives, or none."""

import numpy as np
import pytest

from appliance.domain.coding import LEFT, ORGAN, RIGHT, UNDETERMINED, CodedConcept
from appliance.domain.finding import Outcome, Segment
from appliance.domain.model_package import Label
from appliance.findings import codes
from appliance.findings.laterality import side_of, side_of_concept, sided_by_geometry, undetermined_sides
from tests.helpers.shapes import image


def label(name: str, structure: CodedConcept, modifier: CodedConcept | None = None) -> Label:
    return Label(value=1, name=name, category=ORGAN, property_type=structure, modifier=modifier)


BY_MODIFIER = (label("Right lung", codes.LUNG, RIGHT), label("Left lung", codes.LUNG, LEFT))
BY_CODE = (label("Right kidney", codes.RIGHT_KIDNEY), label("Left kidney", codes.LEFT_KIDNEY))

AT_LEFT, AT_RIGHT = np.zeros((6, 30), dtype=bool), np.zeros((6, 30), dtype=bool)
AT_LEFT[2:4, 22:28], AT_RIGHT[2:4, 2:8] = True, True
SOURCE = image(AT_LEFT)
UNKNOWN = image(AT_LEFT, patient_orientation=None)


def test_a_side_is_read_from_the_modifier_or_from_the_code() -> None:
    assert [side_of(item) for item in (*BY_MODIFIER, *BY_CODE)] == ["right", "left", "right", "left"]
    assert side_of(label("Liver", codes.LIVER)) is None
    assert side_of(label("Lung", codes.LUNG)) is None
    assert side_of_concept(codes.LEFT_LUNG) == "left"
    assert side_of_concept(codes.LIVER) is None


@pytest.mark.parametrize("declared", [BY_MODIFIER, BY_CODE])
def test_labels_go_where_the_patient_has_them_whichever_channel_found_them(declared) -> None:
    right, left = declared
    assert sided_by_geometry(declared, [right, left], [AT_RIGHT, AT_LEFT], [], SOURCE) == ([right, left], [])
    assert sided_by_geometry(declared, [right, left], [AT_LEFT, AT_RIGHT], [], SOURCE) == ([left, right], [])
    assert sided_by_geometry(declared, [right], [AT_LEFT], [left], SOURCE) == ([left], [right])
    assert sided_by_geometry(declared, [right], [AT_RIGHT], [left], SOURCE) == ([right], [left])


@pytest.mark.parametrize("declared", [BY_MODIFIER, BY_CODE])
def test_without_a_direction_found_and_missing_labels_lose_their_side(declared) -> None:
    right, left = declared
    found, missing = sided_by_geometry(declared, [right], [AT_LEFT], [left], UNKNOWN)
    for item in (*found, *missing):
        assert side_of(item) is None
        assert item.modifier is None
        assert item.property_type in (codes.LUNG, codes.KIDNEY)
        assert "side undetermined" in item.name


def test_when_nothing_is_found_both_are_missing_with_their_sides() -> None:
    assert sided_by_geometry(BY_MODIFIER, [], [], list(BY_MODIFIER), UNKNOWN) == ([], list(BY_MODIFIER))


def test_an_undetermined_side_is_a_finding_of_its_own() -> None:
    mask = np.ones((2, 2), dtype=bool)
    segments = [
        Segment(number=1, label="Lung", category=ORGAN, property_type=codes.LUNG, mask=mask),
        Segment(number=2, label="Left lung", category=ORGAN, property_type=codes.LUNG, modifier=LEFT, mask=mask),
        Segment(number=3, label="Liver", category=ORGAN, property_type=codes.LIVER, mask=mask),
    ]
    (found,) = undetermined_sides(segments, 4)
    assert (found.concept, found.value, found.outcome) == (codes.SIDE_DETERMINED, UNDETERMINED, Outcome.LIMITED)
    assert (found.segment, found.source_index) == (1, 4)
