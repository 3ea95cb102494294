"""Lines are found, cut out upright, read together, and come back in the pixels of the image."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.errors import RuntimeMismatch
from appliance.domain.image import Array
from appliance.inference.text_spotting import decoded, detection_size, read_lines, run
from tests.unit.inference.fakes import FakeNetwork, prepared

TABLE = "A\nB\n\x85\nC"  # str.splitlines would split at the third
ALPHABET = ["", "A", "B", "\x85", "C", " "]


def bright(image: Array) -> Mapping[str, Array]:
    """A detector that takes bright pixels for text."""
    return {"map": (image[:, :1] > 0.5).astype(np.float32)}


def says(*indices: int):
    """A reader that reads the same characters in every line."""

    def read(lines: Array) -> Mapping[str, Array]:
        answer = np.full((len(lines), len(indices), len(ALPHABET)), 0.02, dtype=np.float32)
        for step, index in enumerate(indices):
            answer[:, step, index] = 0.9
        return {"text": answer}

    return FakeNetwork(read, (None, 3, 48, None), {"character": TABLE})


def detector() -> FakeNetwork:
    return FakeNetwork(bright, (None, 3, None, None))


def picture(rows: slice, columns: slice, shape: tuple[int, int] = (300, 400)) -> np.ndarray:
    pixels = np.zeros((1, *shape), dtype=np.float32)
    pixels[:, rows, columns] = 255.0
    return pixels


def spotted(pixels: np.ndarray, reader: FakeNetwork, **options) -> Mapping[str, Array]:
    return run({"detection": detector(), "recognition": reader}, prepared(pixels), options)


def test_a_line_is_found_read_and_placed_in_the_image() -> None:
    outputs = spotted(picture(slice(100, 112), slice(150, 250)), says(1, 0, 1, 1, 4))
    assert outputs["texts"].tolist() == ["AAC"]
    assert outputs["scores"] == pytest.approx([0.9])
    (polygon,) = outputs["polygons"]
    assert polygon.mean(axis=0) == pytest.approx([200, 106], abs=1.0)
    assert polygon[:, 0].min() < 150
    assert polygon[:, 0].max() > 250


def test_nothing_found_gives_empty_outputs_of_the_same_form() -> None:
    outputs = spotted(picture(slice(0, 0), slice(0, 0)), says(1))
    assert outputs["polygons"].shape == (0, 4, 2)
    assert outputs["texts"].tolist() == []
    assert outputs["scores"].shape == (0,)


def test_lines_read_too_weakly_or_blank_are_left_out() -> None:
    pixels = picture(slice(100, 112), slice(150, 250))
    assert spotted(pixels, says(1), least_score=0.95)["texts"].tolist() == []
    assert spotted(pixels, says(0, 0))["texts"].tolist() == []
    assert spotted(pixels, says(5))["texts"].tolist() == []


def test_polygons_stay_inside_the_image() -> None:
    (polygon,) = spotted(picture(slice(0, 12), slice(0, 100)), says(1))["polygons"]
    assert polygon.min() >= 0


def test_a_line_that_runs_down_the_image_is_turned_to_be_read() -> None:
    pixels = picture(slice(80, 200), slice(100, 112))
    pixels[0, 80:140, 100:112] = 200.0  # its beginning is darker
    reader = says(1)
    spotted(pixels, reader)
    (lines,) = reader.fed
    middle = lines[0, 0, 24]
    length = int((middle != 0).sum())  # padding is 0
    assert length > 150  # 48 high and several times as long; left upright it would be some 10 long
    assert 0 < middle[length // 4] < middle[3 * length // 4]


def test_colour_goes_in_blue_green_red_and_grey_threefold() -> None:
    seen = detector()
    colour = np.stack([np.full((64, 64), value, dtype=np.float32) for value in (10.0, 20.0, 30.0)])
    run({"detection": seen, "recognition": says(1)}, prepared(colour), {})
    assert np.allclose(seen.fed[0][0, :, 0, 0], np.array([30, 20, 10]) / 127.5 - 1)


@pytest.mark.parametrize(
    "values", [np.full((1, 8, 8), 300.0), np.full((1, 8, 8), -1.0), np.zeros((2, 8, 8)), np.zeros((1, 2, 8, 8))]
)
def test_images_of_another_form_or_range_are_refused(values) -> None:
    with pytest.raises(RuntimeMismatch):
        spotted(values, says(1))


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_the_size_for_detection_is_a_multiple_of_the_stride(rows: int, columns: int) -> None:
    height, width = detection_size(rows, columns, 736.0, 2000.0)
    assert height % 32 == width % 32 == 0
    assert min(height, width) >= 736 - 16
    if max(rows, columns) / min(rows, columns) < 2:
        assert max(height, width) <= 2000 + 16
        assert height / width == pytest.approx(rows / columns, rel=0.06)


@pytest.mark.parametrize(
    ("steps", "text"),
    [([1, 1, 0, 1, 2], "AAB"), ([0, 0], ""), ([4, 4, 4], "C"), ([1, 5, 2], "A B"), ([3], "\x85"), ([], "")],
)
def test_repeats_and_blanks_are_dropped(steps: list[int], text: str) -> None:
    answer = np.full((len(steps), len(ALPHABET)), 0.01)
    answer[np.arange(len(steps)), steps] = 0.8
    found, score = decoded(answer, ALPHABET)
    assert found == text
    assert score == (pytest.approx(0.8) if text else 0.0)


def test_lines_of_like_shape_are_read_together_and_keep_their_order() -> None:
    def by_width(lines: Array) -> Mapping[str, Array]:
        answer = np.full((len(lines), 1, len(ALPHABET)), 0.02, dtype=np.float32)
        for place, line in enumerate(lines):
            answer[place, 0, 1 if (line[0, 0] != 0).sum() > 400 else 2] = 0.9
        return {"text": answer}

    network = FakeNetwork(by_width, (None, 3, 48, None), {"character": TABLE})
    wide, narrow = np.full((48, 900, 3), 255, np.uint8), np.full((48, 100, 3), 255, np.uint8)
    assert [text for text, _ in read_lines(network, [wide, narrow, wide, narrow], 2)] == ["A", "B", "A", "B"]
    assert [feed.shape for feed in network.fed] == [(2, 3, 48, 320), (2, 3, 48, 900)]


def test_a_reader_without_or_with_another_table_is_refused() -> None:
    line = [np.zeros((48, 100, 3), np.uint8)]
    reader = says(1)
    reader.metadata = {}
    with pytest.raises(RuntimeMismatch, match="no character table"):
        read_lines(reader, line, 6)
    reader.metadata = {"character": "A\nB"}
    with pytest.raises(RuntimeMismatch, match="knows 6 characters, its table 4"):
        read_lines(reader, line, 6)


def test_a_detector_that_answers_off_the_image_is_refused() -> None:
    wrong = FakeNetwork(lambda image: {"map": image[:, :1, ::2]}, (None, 3, None, None))
    with pytest.raises(RuntimeMismatch, match="text detector"):
        run({"detection": wrong, "recognition": says(1)}, prepared(np.zeros((1, 64, 64))), {})
