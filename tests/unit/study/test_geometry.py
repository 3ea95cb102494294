"""Stacks that can be trusted, and every reason why one cannot."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.errors import (
    FrameOfReferenceMixed,
    GantryTilt,
    GeometryMissing,
    GeometryRefused,
    MatrixMixed,
    OrientationMixed,
    SlicesDuplicated,
    SlicesMissing,
    SpacingUneven,
    TooFewSlices,
)
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import FrameReference
from appliance.study.geometry import FramePlane, stack_planes

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def plane(height: float, *, number: int = 0, x: float = 0.0, y: float = 0.0) -> FramePlane:
    return FramePlane(
        frame=FrameReference(SOPInstanceUID(f"1.2.{number or round(height * 100) + 10_000_000}"), "1.2"),
        position=(x, y, height),
        orientation=AXIAL,
        spacing=(0.8, 0.7),
        rows=10,
        columns=12,
        frame_of_reference_uid="1.9",
    )


def planes(*heights: float) -> list[FramePlane]:
    return [plane(height) for height in heights]


def test_order_and_affine() -> None:
    stack = stack_planes(planes(4.0, -2.0, 1.0))
    assert stack.order == (1, 2, 0)
    expected = [[0, 0, 0.7, 0], [0, 0.8, 0, 0], [3, 0, 0, -2], [0, 0, 0, 1]]
    np.testing.assert_allclose(stack.affine, expected, atol=1e-12)


def test_a_flipped_normal_turns_the_order() -> None:
    mirrored = [replace(item, orientation=(1.0, 0.0, 0.0, 0.0, -1.0, 0.0)) for item in planes(0.0, 1.0, 2.0)]
    stack = stack_planes(mirrored)
    assert stack.order == (2, 1, 0)
    np.testing.assert_allclose(stack.affine[:3, 0], [0, 0, -1])


@pytest.mark.parametrize("jitter", [0.0, 0.05])
def test_rounded_positions_are_uniform(jitter: float) -> None:
    heights = [index * 0.625 + (jitter if index % 2 else 0) for index in range(9)]
    assert len(stack_planes(planes(*heights)).order) == 9


@pytest.mark.parametrize(
    ("heights", "refusal"),
    [
        ((0.0,), TooFewSlices),
        ((0, 1, 2, 4, 5, 6), SlicesMissing),
        ((0, 1, 2, 5, 6, 7, 8), SlicesMissing),
        ((0, 1, 2, 3.4, 4.4, 5.4), SpacingUneven),
        ((0, 4, 8, 12, 19, 26), SpacingUneven),
        ((0, 1, 2, 3, 4.3, 5), SpacingUneven),
    ],
)
def test_heights_that_form_no_grid(heights, refusal) -> None:
    with pytest.raises(refusal):
        stack_planes(planes(*heights))


@given(missing=st.integers(1, 18), spacing=st.floats(0.3, 10), count=st.just(20))
@settings(deadline=None, derandomize=True)
def test_any_hole_is_found(missing: int, spacing: float, count: int) -> None:
    heights = [index * spacing for index in range(count) if index != missing]
    with pytest.raises(SlicesMissing):
        stack_planes(planes(*heights))


@pytest.mark.parametrize(("degrees", "refused"), [(0.0, False), (0.1, False), (3.0, True), (18.5, True), (-20.0, True)])
def test_gantry_tilt(degrees: float, refused: bool) -> None:
    tilted = [plane(index * 5.0, y=index * 5.0 * np.tan(np.radians(degrees))) for index in range(20)]
    if not refused:
        assert len(stack_planes(tilted).order) == 20
        return
    with pytest.raises(GantryTilt, match=f"{abs(degrees):.1f} degrees"):
        stack_planes(tilted)


def test_a_tilted_stack_with_uneven_spacing_is_called_tilted() -> None:
    shear = np.tan(np.radians(18.5))
    with pytest.raises(GantryTilt):
        stack_planes([plane(height, y=height * shear) for height in (0, 4, 8, 12, 19, 26, 33)])


def test_a_slice_beside_the_line_is_refused() -> None:
    stack = planes(0, 1, 2, 3, 4)
    stack[2] = plane(2.0, x=5.0)
    with pytest.raises(SpacingUneven, match="beside the line"):
        stack_planes(stack)


def test_slices_that_share_one_height_are_no_stack() -> None:
    with pytest.raises(SpacingUneven):
        stack_planes([plane(0.0, number=1), plane(0.0, number=2, x=200.0)])


def test_duplicates_by_pixels() -> None:
    stack = [plane(0, number=5), plane(1, number=7), plane(1, number=6), plane(2, number=8)]
    with pytest.raises(SlicesDuplicated):
        stack_planes(stack, lambda _first, _second: False)
    asked = []

    def same(first: int, second: int) -> bool:
        asked.append({first, second})
        return True

    assert stack_planes(stack, same).order == (0, 2, 3), "of two copies the smaller UID stays"
    assert asked == [{1, 2}]


def test_copies_of_one_slice_are_still_one_slice() -> None:
    with pytest.raises(TooFewSlices):
        stack_planes([plane(0, number=1), plane(0, number=2)], lambda _first, _second: True)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"frame_of_reference_uid": "1.8"}, FrameOfReferenceMixed),
        ({"frame_of_reference_uid": ""}, FrameOfReferenceMixed),
        ({"rows": 11}, MatrixMixed),
        ({"columns": 11}, MatrixMixed),
        ({"spacing": (0.8, 0.71)}, SpacingUneven),
        ({"orientation": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)}, OrientationMixed),
        ({"orientation": (0.9998, 0.02, 0.0, -0.02, 0.9998, 0.0)}, OrientationMixed),
        ({"orientation": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)}, GeometryMissing),
        ({"orientation": (0.0,) * 6}, GeometryMissing),
    ],
)
def test_one_slice_that_differs(change, refusal) -> None:
    stack = planes(0, 1, 2, 3)
    stack[2] = replace(stack[2], **change)
    with pytest.raises(refusal):
        stack_planes(stack)


def test_no_frame_of_reference_at_all() -> None:
    with pytest.raises(GeometryMissing):
        stack_planes([replace(item, frame_of_reference_uid="") for item in planes(0, 1, 2)])


def test_a_frame_of_reference_per_slice() -> None:
    with pytest.raises(FrameOfReferenceMixed, match="4 frames of reference in 4 slices"):
        stack_planes([replace(item, frame_of_reference_uid=f"1.{n}") for n, item in enumerate(planes(0, 1, 2, 3))])


@given(heights=st.lists(st.floats(-1e3, 1e3), min_size=0, max_size=12))
@settings(deadline=None, derandomize=True)
def test_any_heights_stack_or_are_refused(heights: list[float]) -> None:
    try:
        stack = stack_planes([plane(height, number=n + 1) for n, height in enumerate(heights)])
    except GeometryRefused:
        return
    steps = np.diff([heights[index] for index in stack.order])
    assert steps.min() > 0
    assert steps.max() <= 1.5 * np.median(steps)
