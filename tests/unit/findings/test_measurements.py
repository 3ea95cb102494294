"""Numbers of bodies whose numbers are known: volume, values, diameters, centre, area."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.coding import HOUNSFIELD_UNIT, MILLILITRE, MILLIMETRE, NO_UNITS, SQUARE_CENTIMETRE, CodedConcept
from appliance.domain.finding import Measurement
from appliance.findings import codes
from appliance.findings.measurements import centroid_index, measured_in_image, measured_in_volume
from tests.helpers.dicom_builder import rotated
from tests.helpers.shapes import AXIAL, GRIDS, ORIENTATIONS, Grid, image, stored, volume


def value(measured: tuple[Measurement, ...], concept: CodedConcept, derivation: CodedConcept | None = None) -> float:
    (found,) = [item for item in measured if (item.concept, item.derivation) == (concept, derivation)]
    return found.value


def numbers(measured: tuple[Measurement, ...]) -> dict[tuple[CodedConcept, CodedConcept | None], float]:
    return {(item.concept, item.derivation): item.value for item in measured}


@pytest.mark.parametrize("name", GRIDS)
def test_a_ball_has_the_volume_and_centre_of_a_ball(name: str) -> None:
    grid = Grid.around(GRIDS[name], 28)
    centre = (3.0, -2.0, 4.0)
    ball = grid.ball(centre, 20)
    measured = measured_in_volume(ball, volume(grid, ball), 1)
    assert value(measured, codes.VOLUME) == pytest.approx(4 / 3 * np.pi * 20**3 / 1000, rel=0.02)
    assert [value(measured, concept) for concept in codes.CENTROID] == pytest.approx(centre, abs=0.35)
    assert value(measured, codes.MAXIMUM_3D_DIAMETER) == pytest.approx(40, abs=6 if name == "anisotropic" else 3)


def test_a_box_is_measured_exactly() -> None:
    grid = Grid((12, 16, 20), AXIAL)
    box = np.zeros(grid.shape, dtype=bool)
    box[2:7, 3:11, 4:18] = True
    measured = measured_in_volume(box, volume(grid, box * 50), 3)
    assert value(measured, codes.VOLUME) == pytest.approx(5 * 2.0 * 8 * 1.5 * 14 * 1.5 / 1000)
    sides = np.array([4 * 2.0, 7 * 1.5, 13 * 1.5])
    assert value(measured, codes.MAXIMUM_3D_DIAMETER) == pytest.approx(np.linalg.norm(sides))
    assert value(measured, codes.LONG_AXIS) == pytest.approx(np.hypot(*sides[1:]))
    assert value(measured, codes.CENTROID_HEAD) == pytest.approx(4 * 2.0)
    assert value(measured, codes.CENTROID_POSTERIOR) == pytest.approx(6.5 * 1.5)
    assert value(measured, codes.CENTROID_LEFT) == pytest.approx(10.5 * 1.5)
    assert {item.segment for item in measured} == {3}


def test_every_number_has_the_unit_of_its_kind() -> None:
    grid = Grid.around(AXIAL, 10)
    ball = grid.ball((0, 0, 0), 8)
    units = {item.concept: item.unit for item in measured_in_volume(ball, volume(grid, ball), 1)}
    assert units.pop(codes.VOLUME) == MILLILITRE
    assert units.pop(codes.ATTENUATION_COEFFICIENT) == HOUNSFIELD_UNIT
    assert set(units.values()) == {MILLIMETRE}
    assert set(units) == {
        codes.MAXIMUM_3D_DIAMETER, codes.LONG_AXIS, codes.PERPENDICULAR_AXIS, *codes.CENTROID
    }  # fmt: skip


@settings(deadline=None, max_examples=48)
@given(st.integers(0, 2**32 - 1), st.sampled_from(ORIENTATIONS), st.tuples(*[st.floats(-25, 25)] * 3))
def test_nothing_measured_depends_on_how_the_body_is_stored(seed, orientation, angles) -> None:
    generator = np.random.default_rng(seed)
    grid = Grid((4, 5, 6), rotated(GRIDS["anisotropic"], angles))
    values, mask = generator.normal(size=grid.shape), generator.random(grid.shape) < 0.4
    mask[2, 2, 2] = True
    other, same_values = stored(grid, values, *orientation)
    _, same_mask = stored(grid, mask, *orientation)
    expected = numbers(measured_in_volume(mask, volume(grid, values), 1))
    found = numbers(measured_in_volume(same_mask, volume(other, same_values), 1))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-4)


def test_values_are_those_of_the_source_without_its_padding() -> None:
    grid = Grid((4, 6, 6), AXIAL)
    values = np.full(grid.shape, -2000.0)
    mask = np.zeros(grid.shape, dtype=bool)
    mask[1:3, 1:5, 1:5] = True
    values[1, mask[1]], values[2, mask[2]] = 60.0, 100.0
    padding = np.zeros(grid.shape, dtype=bool)
    padding[1:3, 1, 1:5] = True
    values[padding] = -2000.0
    plain = measured_in_volume(mask, volume(grid, values, padding=padding), 1)
    assert value(plain, codes.ATTENUATION_COEFFICIENT, codes.MEAN) == pytest.approx(80.0)
    assert value(plain, codes.ATTENUATION_COEFFICIENT, codes.STANDARD_DEVIATION) == pytest.approx(20.0)
    assert value(plain, codes.VOLUME) == pytest.approx(32 * 4.5 / 1000)
    unaware = measured_in_volume(mask, volume(grid, values), 1)
    assert value(unaware, codes.ATTENUATION_COEFFICIENT, codes.MEAN) < -400


def test_a_region_of_padding_only_has_no_values() -> None:
    grid = Grid((3, 4, 4), AXIAL)
    everywhere = np.ones(grid.shape, dtype=bool)
    measured = measured_in_volume(everywhere, volume(grid, everywhere, padding=everywhere), 1)
    assert not [item for item in measured if item.derivation is not None]
    assert value(measured, codes.VOLUME) > 0


def test_a_large_sum_of_values_keeps_its_last_digits() -> None:
    grid = Grid((30, 100, 100), AXIAL)
    values = np.full(grid.shape, 16_777_217.0 / 1024, dtype=np.float64)
    everywhere = np.ones(grid.shape, dtype=bool)
    measured = measured_in_volume(everywhere, volume(grid, values), 1)
    assert value(measured, codes.ATTENUATION_COEFFICIENT, codes.STANDARD_DEVIATION) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("attributes", "concept", "unit"),
    [
        ({}, codes.ATTENUATION_COEFFICIENT, HOUNSFIELD_UNIT),
        ({"unit": NO_UNITS}, codes.IMAGE_INTENSITY, NO_UNITS),
        ({"modality": "MR", "unit": NO_UNITS}, codes.MR_SIGNAL_INTENSITY, NO_UNITS),
        (
            {"modality": "PT", "unit": CodedConcept("Bq/ml", "UCUM", "Becquerels/milliliter")},
            codes.IMAGE_INTENSITY,
            CodedConcept("Bq/ml", "UCUM", ""),
        ),
    ],
)
def test_values_are_attenuation_only_in_hounsfield_units(attributes, concept, unit) -> None:
    grid = Grid((3, 4, 4), AXIAL)
    everywhere = np.ones(grid.shape, dtype=bool)
    means = [m for m in measured_in_volume(everywhere, volume(grid, everywhere, **attributes), 1) if m.derivation]
    assert {(item.concept, item.unit) for item in means} == {(concept, unit)}


def test_an_area_is_measured_with_both_spacings_and_says_where_they_hold() -> None:
    mask = np.zeros((30, 40), dtype=bool)
    mask[5:15, 10:30] = True
    source = image(mask, pixel_spacing_mm=(0.4, 0.25))
    measured = measured_in_image(mask, source, 2, source_index=7)
    assert value(measured, codes.AREA) == pytest.approx(10 * 0.4 * 20 * 0.25 / 100)
    assert value(measured, codes.LONG_AXIS) == pytest.approx(np.hypot(9 * 0.4, 19 * 0.25))
    assert {item.method for item in measured} == {codes.AT_DETECTOR}
    assert {item.unit for item in measured} == {SQUARE_CENTIMETRE, MILLIMETRE}
    assert {(item.segment, item.source_index) for item in measured} == {(2, 7)}
    calibrated = image(mask, spacing_source="PixelSpacing")
    assert {item.method for item in measured_in_image(mask, calibrated, 1)} == {None}


def test_without_a_spacing_nothing_is_measured_in_an_image() -> None:
    mask = np.ones((4, 4), dtype=bool)
    assert measured_in_image(mask, image(mask, pixel_spacing_mm=None, spacing_source=None), 1) == ()


@given(st.integers(0, 2**32 - 1))
def test_the_centre_is_the_mean_of_all_indices(seed: int) -> None:
    mask = np.random.default_rng(seed).random((3, 4, 5)) < 0.5
    mask[0, 1, 2] = True
    assert centroid_index(mask) == pytest.approx(tuple(np.argwhere(mask).mean(axis=0)))
