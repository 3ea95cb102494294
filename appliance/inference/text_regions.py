"""From a map of text probabilities to quadrilaterals around lines of text (DBNet post-processing)."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from appliance.domain.image import Array

Quadrilateral = npt.NDArray[np.float64]
"""[4, 2] as (column, row): top left, top right, bottom right, bottom left."""

MOST_CANDIDATES = 1000
LEAST_CORE = 3.0
LEAST_SIDE = 5.0
GROWTH = 1.6
SAME_LINE = 10.0


def text_quadrilaterals(probability: Array, pixel_threshold: float, box_threshold: float) -> list[Quadrilateral]:
    """Rectangles around the text of a probability map [row, column], in its pixels, origin at the first corner.

    The network marks the core of each line; a rectangle whose mean probability reaches `box_threshold` grows by
    area x 1.6 / perimeter to the whole line.
    """
    marked = cv2.dilate((probability > pixel_threshold).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(marked, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours[:MOST_CANDIDATES]:
        rectangle = cv2.minAreaRect(contour)
        if min(rectangle[1]) < LEAST_CORE or _mean_inside(probability, rectangle) < box_threshold:
            continue
        grown = _grown(rectangle)
        if min(grown[1]) >= LEAST_SIDE:
            found.append(_ordered(cv2.boxPoints(grown).astype(np.float64)))
    return found


def reading_order(found: Sequence[Quadrilateral]) -> list[Quadrilateral]:
    """Line by line from the top, from left to right in a line; rows nearer than 10 pixels are one line."""
    downwards = sorted(found, key=lambda corners: (corners[0, 1], corners[0, 0]))
    lines: list[list[Quadrilateral]] = []
    for corners in downwards:
        if lines and corners[0, 1] - lines[-1][-1][0, 1] < SAME_LINE:
            lines[-1].append(corners)
        else:
            lines.append([corners])
    return [corners for line in lines for corners in sorted(line, key=lambda item: item[0, 0])]


_Rectangle = tuple[tuple[float, float], tuple[float, float], float]
"""Centre, (width, height) and angle, as OpenCV writes a rotated rectangle."""


def _grown(rectangle: _Rectangle) -> _Rectangle:
    centre, (width, height), angle = rectangle
    distance = width * height * GROWTH / (2 * (width + height))
    return centre, (width + 2 * distance, height + 2 * distance), angle


def _mean_inside(probability: Array, rectangle: _Rectangle) -> float:
    corners = cv2.boxPoints(rectangle)
    rows, columns = probability.shape
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, [columns - 1, rows - 1])
    high = np.clip(np.ceil(corners.max(axis=0)).astype(int), 0, [columns - 1, rows - 1])
    inside = np.zeros((high[1] - low[1] + 1, high[0] - low[0] + 1), dtype=np.uint8)
    cv2.fillPoly(inside, [(corners - low).astype(np.int32)], 1)
    part = probability[low[1] : high[1] + 1, low[0] : high[0] + 1]
    return float(part[inside.astype(bool)].mean()) if inside.any() else 0.0


def _ordered(corners: Quadrilateral) -> Quadrilateral:
    """Clockwise from the top left: the two leftmost corners are the left side."""
    by_column = corners[np.argsort(corners[:, 0], kind="stable")]
    left = by_column[:2][np.argsort(by_column[:2, 1], kind="stable")]
    right = by_column[2:][np.argsort(by_column[2:, 1], kind="stable")]
    return np.stack([left[0], right[0], right[1], left[1]])
