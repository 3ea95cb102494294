"""Quadrilaterals around lines of text whose place is known."""

import cv2
import numpy as np
import pytest

from appliance.inference.text_regions import reading_order, text_quadrilaterals


def core(rows: slice, columns: slice, value: float = 0.9) -> np.ndarray:
    probability = np.zeros((100, 200), dtype=np.float32)
    probability[rows, columns] = value
    return probability


def test_a_core_grows_to_the_whole_line() -> None:
    (found,) = text_quadrilaterals(core(slice(40, 50), slice(60, 140)), 0.3, 0.5)
    left, top = found.min(axis=0)
    right, bottom = found.max(axis=0)
    width, height = 81, 11  # marked pixels and half a one around
    distance = width * height * 1.6 / (2 * (width + height))
    assert (right - left, bottom - top) == (
        pytest.approx(width + 2 * distance, abs=2.5),
        pytest.approx(height + 2 * distance, abs=2.5),
    )
    assert ((left + right) / 2, (top + bottom) / 2) == (pytest.approx(100, abs=1), pytest.approx(45, abs=1))


def test_corners_run_clockwise_from_the_top_left() -> None:
    (found,) = text_quadrilaterals(core(slice(40, 50), slice(60, 140)), 0.3, 0.5)
    top_left, top_right, bottom_right, bottom_left = found
    assert top_left[0] < top_right[0]
    assert bottom_left[0] < bottom_right[0]
    assert top_left[1] < bottom_left[1]
    assert top_right[1] < bottom_right[1]


def test_a_slanted_line_is_framed_slanted() -> None:
    probability = np.zeros((200, 200), dtype=np.float32)
    corners = cv2.boxPoints(((100, 100), (100, 14), 20.0))
    cv2.fillPoly(probability, [corners.astype(np.int32)], 1.0)
    (found,) = text_quadrilaterals(probability, 0.3, 0.5)
    along = found[1] - found[0]
    assert np.degrees(np.arctan2(along[1], along[0])) == pytest.approx(20, abs=1.5)


@pytest.mark.parametrize(
    "probability",
    [
        core(slice(0, 0), slice(0, 0)),
        core(slice(40, 50), slice(60, 140), 0.25),  # below the pixel threshold
        core(slice(40, 50), slice(60, 140), 0.4),  # below the box threshold
        core(slice(40, 41), slice(60, 61)),  # a speck
    ],
)
def test_what_is_too_weak_or_too_small_is_no_text(probability) -> None:
    assert text_quadrilaterals(probability, 0.3, 0.5) == []


def test_text_is_read_line_by_line() -> None:
    def at(column: float, row: float) -> np.ndarray:
        return np.array([[column, row], [column + 9, row], [column + 9, row + 5], [column, row + 5]], dtype=np.float64)

    places = [(10, 50), (60, 12), (5, 17), (90, 55), (40, 90)]
    ordered = [(int(q[0, 0]), int(q[0, 1])) for q in reading_order([at(*place) for place in places])]
    assert ordered == [(5, 17), (60, 12), (10, 50), (90, 55), (40, 90)]
    assert reading_order([]) == []
