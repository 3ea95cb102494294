"""From outputs to segments, numbers, flags and coded negatives, for bodies of known size and place."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.coding import ABSENT, LEFT, ORGAN, PRESENT, RATIO, RIGHT, UNDETERMINED, CodedConcept
from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.finding import Evaluation, Finding, Measurement, Outcome, Segment
from appliance.domain.image import Array, GridImage, Prepared, Source
from appliance.domain.model_package import Label, ModelPackage
from appliance.findings import codes
from appliance.findings.segmentation import FAMILY, interpret
from tests.helpers.findings import package as some_package
from tests.helpers.shapes import AXIAL, GRIDS, ORIENTATIONS, Grid, image, on_source_grid, stored, volume

LIVER = Label(value=0, name="Liver", category=ORGAN, property_type=codes.LIVER, colour=(1, 2, 3))
BRAIN = Label(value=1, name="Brain", category=ORGAN, property_type=codes.BRAIN)
RIGHT_LUNG = Label(value=0, name="Right lung", category=ORGAN, property_type=codes.LUNG, modifier=RIGHT)
LEFT_LUNG = Label(value=1, name="Left lung", category=ORGAN, property_type=codes.LUNG, modifier=LEFT)


def package(*labels: Label, **options: Any) -> ModelPackage:
    assert set(options) <= FAMILY.options
    return replace(some_package(), labels=labels or (LIVER,), options=options)


def found(output: Array, source: Source, *labels: Label, **options: Any) -> tuple[Finding, ...]:
    return interpret({"probability": output}, on_source_grid(source), source, package(*labels, **options))


def segments(findings: tuple[Finding, ...]) -> list[Segment]:
    return [item for item in findings if isinstance(item, Segment)]


def evaluations(findings: tuple[Finding, ...]) -> dict[str, Evaluation]:
    return {item.concept.value: item for item in findings if isinstance(item, Evaluation)}


GRID = Grid.around(AXIAL, 24)
BALL = GRID.ball((4, -3, 2), 15)
SOURCE = volume(GRID, BALL * 60.0)


@pytest.mark.parametrize("name", GRIDS)
def test_a_ball_becomes_one_segment_with_the_numbers_of_a_ball(name: str) -> None:
    grid = Grid.around(GRIDS[name], 24)
    ball = grid.ball((2, -1, 3), 15)
    findings = found(ball[np.newaxis] * 0.9, volume(grid, np.where(ball, 60.0, -40.0)))
    (segment,) = segments(findings)
    assert np.array_equal(segment.mask, ball)
    assert (segment.number, segment.label, segment.property_type, segment.colour) == (
        1,
        "Liver",
        codes.LIVER,
        (1, 2, 3),
    )
    numbers = {(m.concept, m.derivation): m.value for m in findings if isinstance(m, Measurement)}
    assert numbers[codes.VOLUME, None] == pytest.approx(4 / 3 * np.pi * 15**3 / 1000, rel=0.03)
    assert numbers[codes.ATTENUATION_COEFFICIENT, codes.MEAN] == pytest.approx(60)
    assert evaluations(findings)[codes.ANATOMY_COVERAGE_INCOMPLETE.value].value == ABSENT


@settings(deadline=None, max_examples=24)
@given(st.sampled_from(ORIENTATIONS))
def test_findings_do_not_depend_on_how_the_body_is_stored(orientation) -> None:
    def said(grid: Grid, mask: Array) -> dict[Any, Any]:
        findings = found(mask[np.newaxis].astype(float), volume(grid, mask * 60.0))
        numbers = {(m.concept, m.derivation): m.value for m in findings if isinstance(m, Measurement)}
        return numbers | {e.concept: e.value == PRESENT for e in evaluations(findings).values()}

    assert said(*stored(GRID, BALL, *orientation)) == pytest.approx(said(GRID, BALL), rel=1e-5, abs=1e-4)


def test_a_label_that_is_not_found_is_a_coded_negative() -> None:
    output = np.stack([np.zeros(GRID.shape), BALL.astype(float)])
    findings = found(output, SOURCE, LIVER, BRAIN)
    (segment,) = segments(findings)
    assert (segment.number, segment.label) == (1, "Brain")
    negative = evaluations(findings)[codes.LIVER.value]
    assert (negative.value, negative.outcome, negative.segment) == (ABSENT, Outcome.NEGATIVE, None)
    assert codes.BRAIN.value not in evaluations(findings)


def test_when_nothing_is_found_only_negatives_are_said() -> None:
    findings = found(np.zeros((2, *GRID.shape)), SOURCE, LIVER, BRAIN)
    assert {(item.concept, item.value) for item in findings} == {(codes.LIVER, ABSENT), (codes.BRAIN, ABSENT)}


def test_a_label_below_its_least_share_counts_as_not_found() -> None:
    output = np.zeros((1, *GRID.shape))
    output[0, 3, 3, 3] = 1
    assert segments(found(output, SOURCE))
    assert not segments(found(output, SOURCE, least_share=0.001))


def test_the_threshold_is_exclusive_and_the_manifests() -> None:
    output = np.full((1, *GRID.shape), 0.5)
    assert not segments(found(output, SOURCE))
    assert segments(found(output, SOURCE, threshold=0.49))
    logits = np.where(BALL, 0.1, -0.1)[np.newaxis]
    assert np.array_equal(segments(found(logits, SOURCE, threshold=0.0))[0].mask, BALL)


def test_channels_belong_to_labels_by_number_or_by_list() -> None:
    output = np.stack([BALL, ~BALL, np.zeros(GRID.shape)]).astype(float)
    assert np.array_equal(segments(found(output, SOURCE, BRAIN))[0].mask, ~BALL)
    assert np.array_equal(segments(found(output, SOURCE, BRAIN, channels=(0,)))[0].mask, BALL)
    with pytest.raises(RuntimeMismatch, match="channel 3"):
        found(output, SOURCE, BRAIN, channels=(3,))
    with pytest.raises(ManifestInvalid, match="one channel for each label"):
        found(output, SOURCE, BRAIN, channels=(0, 1))


def test_the_winning_channel_or_the_value_itself_names_the_label() -> None:
    background = 0.4 * np.ones(GRID.shape)
    labels = (replace(LIVER, value=1), replace(BRAIN, value=2))
    above = GRID.points[..., 2] > 0
    output = np.stack([background, BALL * above, BALL * ~above]).astype(float)
    for findings in (
        found(output, SOURCE, *labels, decide="argmax"),
        found(output.argmax(axis=0)[np.newaxis], SOURCE, *labels, decide="labels"),
    ):
        liver, brain = segments(findings)
        assert np.array_equal(liver.mask, BALL & above)
        assert np.array_equal(brain.mask, BALL & ~above)


def test_the_largest_part_and_filled_holes_on_demand() -> None:
    mask = BALL.copy()
    centre = tuple(int(i) for i in np.argwhere(BALL).mean(axis=0))
    mask[centre] = False
    mask[0, 0, 0] = True
    output = mask[np.newaxis].astype(float)
    assert np.array_equal(segments(found(output, SOURCE))[0].mask, mask)
    for grid in ("network", "source"):
        cleaned = segments(found(output, SOURCE, largest_component=grid, fill_holes=True))[0].mask
        assert np.array_equal(cleaned, BALL)


def coarse(values: Array, source: Source, factor: int) -> Prepared:
    """A grid whose elements are blocks of `factor` source elements, about the same borders."""
    scale = np.diag([factor] * 3 + [1.0])
    scale[:3, 3] = (factor - 1) / 2
    return Prepared(
        image=GridImage(values=values, to_source=scale, source_shape=tuple(n * factor for n in values.shape[1:]))
    )


def test_a_coarse_answer_comes_back_to_the_place_it_was_given_for() -> None:
    grid = Grid((12, 12, 12), AXIAL)
    source = volume(grid, np.zeros(grid.shape))
    answer = np.zeros((1, 4, 4, 4))
    answer[0, 1, 2, 0] = 1.0
    prepared = coarse(answer, source, 3)
    (segment,) = segments(interpret({"probability": answer}, prepared, source, package()))
    expected = np.zeros(grid.shape, dtype=bool)
    expected[3:6, 6:9, 0:3] = True
    assert np.array_equal(segment.mask, expected)
    smooth = segments(interpret({"probability": answer}, prepared, source, package(restore="linear", threshold=0.99)))
    assert np.array_equal(np.argwhere(smooth[0].mask), [[4, 7, 0], [4, 7, 1]])  # the centre, and its border value


@pytest.mark.parametrize("orientation", [("L", "F"), ("R", "F"), None])
def test_sides_of_lungs_are_the_patients_or_none(orientation) -> None:
    at_left_of_picture, at_right_of_picture = np.zeros((2, 20, 40))
    at_left_of_picture[4:16, 4:16], at_right_of_picture[4:16, 24:34] = 1, 1
    source = image(at_left_of_picture, patient_orientation=orientation)
    output = np.stack([at_left_of_picture, at_right_of_picture])
    findings = found(output, source, RIGHT_LUNG, LEFT_LUNG, laterality="geometry")
    modifiers = [segment.modifier for segment in segments(findings)]
    ratios = [m for m in findings if isinstance(m, Measurement) and m.concept == codes.LEFT_RIGHT_RATIO]
    if orientation is None:
        assert modifiers == [None, None]
        assert ratios == []
        assert [e.value for e in findings if isinstance(e, Evaluation) and e.concept == codes.SIDE_DETERMINED] == [
            UNDETERMINED, UNDETERMINED
        ]  # fmt: skip
        return
    left_is_right_of_picture = orientation[0] == "L"
    assert modifiers == ([RIGHT, LEFT] if left_is_right_of_picture else [LEFT, RIGHT])
    expected = 120 / 144 if left_is_right_of_picture else 144 / 120
    (ratio,) = ratios
    assert (ratio.value, ratio.unit, ratio.method) == (pytest.approx(expected), RATIO, codes.AREA)


def test_one_lung_alone_leaves_the_other_side_as_the_negative() -> None:
    output = np.zeros((2, 20, 40))
    output[0, 4:16, 24:34] = 1  # found by the channel of the right lung, but lies in the patient's left
    findings = found(output, image(output[0]), RIGHT_LUNG, LEFT_LUNG, laterality="geometry")
    assert [segment.modifier for segment in segments(findings)] == [LEFT]
    negatives = [e for e in findings if isinstance(e, Evaluation) and e.segment is None]
    assert [(e.concept, e.value, e.outcome) for e in negatives] == [(codes.RIGHT_LUNG, ABSENT, Outcome.NEGATIVE)]


def test_a_negative_whose_side_has_no_code_names_its_label() -> None:
    adrenal = CodedConcept("23451007", "SCT", "Adrenal gland")
    right = replace(RIGHT_LUNG, name="Right adrenal gland", property_type=adrenal)
    (negative,) = found(np.zeros((1, *GRID.shape)), SOURCE, right)
    assert isinstance(negative, Evaluation)
    assert (negative.concept, negative.explanation) == (adrenal, "Right adrenal gland")


def test_a_volume_ratio_says_that_it_is_one_of_volumes() -> None:
    grid = Grid.around(AXIAL, 40)
    masks = grid.ball((20, 0, 0), 12), grid.ball((-20, 0, 0), 16)
    findings = found(np.stack([masks[1], masks[0]]).astype(float), volume(grid, masks[0]), RIGHT_LUNG, LEFT_LUNG)
    (ratio,) = [m for m in findings if isinstance(m, Measurement) and m.concept == codes.LEFT_RIGHT_RATIO]
    assert ratio.value == pytest.approx((12 / 16) ** 3, rel=0.04)
    assert ratio.method == codes.VOLUME


def test_flags_are_raised_where_the_manifest_asks_for_them() -> None:
    output = np.zeros((2, 50, 50))
    output[0, 10:40, 5:20] = 1
    boxes = (0.1, 0.1, 0.5, 0.9, 0.5, 0.1, 0.9, 0.9)
    findings = found(output, image(output[0]), RIGHT_LUNG, LEFT_LUNG, boxes=boxes, flag_below_share=0.5)
    values = evaluations(findings)
    assert values[codes.PROMPT_EXCEEDED.value].value == PRESENT
    assert values[codes.SMALL_FOR_IMAGE.value].value == PRESENT
    plain = evaluations(found(output, image(output[0]), RIGHT_LUNG, LEFT_LUNG))
    assert not {codes.PROMPT_EXCEEDED.value, codes.SMALL_FOR_IMAGE.value} & set(plain)


def test_the_search_box_of_a_label_stays_with_what_was_found_in_it() -> None:
    """The right-hand box is the second label's, even when the first label found nothing."""
    output = np.zeros((2, 50, 50))
    output[1, 20:30, 30:40] = 1  # well inside the second box, outside the first
    boxes = (0.1, 0.1, 0.5, 0.9, 0.5, 0.1, 0.9, 0.9)
    findings = found(output, image(output[1]), RIGHT_LUNG, LEFT_LUNG, boxes=boxes, laterality="geometry")
    assert evaluations(findings)[codes.PROMPT_EXCEEDED.value].value == ABSENT
    across = np.zeros((2, 50, 50))
    across[1, 10:40, 25:35] = 1  # along the left side of the second box
    assert evaluations(found(across, image(across[1]), RIGHT_LUNG, LEFT_LUNG, boxes=boxes))[
        codes.PROMPT_EXCEEDED.value
    ].value == PRESENT  # fmt: skip


def test_everything_names_the_image_it_was_found_in() -> None:
    output = np.zeros((2, 20, 20))
    output[0, 5:9, 5:9] = 1
    source = image(output[0])
    findings = interpret(
        {"probability": output}, on_source_grid(source), source, package(RIGHT_LUNG, LEFT_LUNG), source_index=3
    )
    assert {item.source_index for item in findings} == {3}
    assert {type(item) for item in findings} == {Segment, Measurement, Evaluation}


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"decide": "guess"}, ManifestInvalid),
        ({"restore": "linear", "decide": "argmax"}, ManifestInvalid),
        ({"threshold": "high"}, ManifestInvalid),
        ({"boxes": (0.1, 0.2)}, ManifestInvalid),
        ({"restore": "linear", "largest_component": "network"}, ManifestInvalid),
        ({"restore": "sharp"}, ManifestInvalid),
        ({"largest_component": "grid"}, ManifestInvalid),
        ({"laterality": "guess"}, ManifestInvalid),
    ],
)
def test_options_and_outputs_without_meaning_are_refused(options, error) -> None:
    with pytest.raises(error):
        found(BALL[np.newaxis].astype(float), SOURCE, **options)


def test_an_output_that_is_missing_or_lacks_a_channel_is_refused() -> None:
    with pytest.raises(RuntimeMismatch, match="no output 'mask'"):
        interpret({"probability": BALL[np.newaxis]}, on_source_grid(SOURCE), SOURCE, package(output="mask"))
    with pytest.raises(RuntimeMismatch, match="channel 1"):
        found(np.zeros((1, *GRID.shape)), SOURCE, BRAIN, decide="argmax")


def test_an_output_off_the_grid_or_not_a_number_is_refused() -> None:
    with pytest.raises(RuntimeMismatch, match="on a grid of"):
        found(np.zeros((1, 3, 3, 3)), SOURCE)
    with pytest.raises(RuntimeMismatch, match="on a grid of"):
        found(np.zeros((1, 3, 3, 3)), SOURCE, restore="linear")
    with pytest.raises(RuntimeMismatch, match="not numbers"):
        found(np.full((1, *GRID.shape), np.nan), SOURCE)
