"""Find lines of text and read them: a segmentation network for where (DBNet), a CTC network for what.

DBNet: Liao et al., "Real-time scene text detection with differentiable binarization", AAAI 2020. CTC: Graves et al.,
ICML 2006. The networks are those of PP-OCR: images in blue, green, red order, values 0..255 scaled to -1..1.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from appliance.domain.errors import RuntimeMismatch
from appliance.domain.image import Array, Prepared
from appliance.domain.model_package import Option
from appliance.inference.strategy import Network, Networks, Strategy, number, only_input
from appliance.inference.text_regions import Quadrilateral, reading_order, text_quadrilaterals

Pixels = npt.NDArray[np.uint8]

STRIDE = 32
LINE_HEIGHT = 48
LEAST_LINE_WIDTH = 320
UPRIGHT_RATIO = 1.5
BLANK = 0


def run(networks: Networks, prepared: Prepared, options: Mapping[str, Option]) -> Mapping[str, Array]:
    """Text lines of an image of 1 or 3 channels (red, green, blue) with values 0..255.

    Outputs: `polygons` float32 [N, 4, 2] as (column, row), origin at the corner of the first pixel, clockwise from the
    first corner of the text; `texts` str [N]; `scores` float32 [N], the mean probability of the characters read.
    Lines read with a score below `least_score` are left out.
    """
    image = _as_bgr(prepared.image.values)
    quadrilaterals = reading_order(_detect(networks["detection"], image, options))
    lines = [_cut_out(image, corners) for corners in quadrilaterals]
    read = read_lines(networks["recognition"], lines, int(number(options, "batch", 6)))
    least = number(options, "least_score", 0.5)
    kept = [i for i, (text, score) in enumerate(read) if text.strip() and score >= least]
    return {
        "polygons": np.array([quadrilaterals[i] for i in kept], dtype=np.float32).reshape(-1, 4, 2),
        "texts": np.array([read[i][0] for i in kept], dtype=np.str_),
        "scores": np.array([read[i][1] for i in kept], dtype=np.float32),
    }


def _as_bgr(values: Array) -> Pixels:
    """[channel, row, column] to uint8 [row, column, 3]."""
    if values.ndim != 3 or values.shape[0] not in (1, 3):
        raise RuntimeMismatch(f"text is looked for in images of 1 or 3 channels, not in {values.shape}")
    if values.size and (values.min() < 0 or values.max() > 255):
        raise RuntimeMismatch("text is looked for in values 0..255; the manifest's steps must scale to them")
    channels = np.repeat(values, 3, axis=0) if values.shape[0] == 1 else values[::-1]
    return np.ascontiguousarray(np.rint(channels).astype(np.uint8).transpose(1, 2, 0))


def _detect(network: Network, image: Pixels, options: Mapping[str, Option]) -> list[Quadrilateral]:
    """Corners of text lines in pixels of `image`."""
    rows, columns = image.shape[:2]
    height, width = detection_size(
        rows, columns, number(options, "shorter_side", 736.0), number(options, "longer_side", 2000.0)
    )
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    answer = _only_output(network, _normalised(resized)[np.newaxis])
    if answer.shape != (1, 1, height, width):
        raise RuntimeMismatch(f"the text detector answered {answer.shape} to an image of {height} x {width}")
    found = text_quadrilaterals(
        answer[0, 0], number(options, "pixel_threshold", 0.3), number(options, "box_threshold", 0.5)
    )
    scale = np.array([columns / width, rows / height])
    return [np.clip(corners * scale, 0, [columns, rows]) for corners in found]


def detection_size(rows: int, columns: int, shorter_side: float, longer_side: float) -> tuple[int, int]:
    """Height and width at which text is looked for: at most `longer_side`, at least `shorter_side`, multiples of 32.

    The upper limit comes first: a panorama is enlarged beyond it rather than squeezed to a strip.
    """
    scale = min(1.0, longer_side / max(rows, columns))
    scale *= max(1.0, shorter_side / (min(rows, columns) * scale))
    height, width = (max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (rows, columns))
    return height, width


def _cut_out(image: Pixels, corners: Quadrilateral) -> Pixels:
    """The quadrilateral as an upright rectangle; what is higher than wide is turned, as text that runs down."""
    width = round(max(_length(corners[0], corners[1]), _length(corners[2], corners[3])))
    height = round(max(_length(corners[0], corners[3]), _length(corners[1], corners[2])))
    width, height = max(1, width), max(1, height)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    line = cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.rot90(line) if height >= UPRIGHT_RATIO * width else line)


def _length(start: Array, end: Array) -> float:
    return float(np.linalg.norm(end - start))


def read_lines(network: Network, lines: Sequence[Pixels], batch: int) -> list[tuple[str, float]]:
    """Text and score of each line image [row, column, 3]; lines of like shape are read together."""
    alphabet = _alphabet(network)
    by_shape = sorted(range(len(lines)), key=lambda i: lines[i].shape[1] / lines[i].shape[0])
    read: list[tuple[str, float]] = [("", 0.0)] * len(lines)
    for start in range(0, len(by_shape), batch):
        indices = by_shape[start : start + batch]
        answers = _only_output(network, _line_batch([lines[i] for i in indices]))
        if answers.shape[-1] != len(alphabet):
            raise RuntimeMismatch(f"the reader knows {answers.shape[-1]} characters, its table {len(alphabet)}")
        for index, answer in zip(indices, answers, strict=True):
            read[index] = decoded(answer, alphabet)
    return read


def _line_batch(lines: Sequence[Pixels]) -> Array:
    """[line, 3, 48, width]: the widest line sets the width, the others are padded with 0 on the right."""
    widths = [math.ceil(LINE_HEIGHT * line.shape[1] / line.shape[0]) for line in lines]
    batch = np.zeros((len(lines), 3, LINE_HEIGHT, max(LEAST_LINE_WIDTH, *widths)), dtype=np.float32)
    for place, line, width in zip(batch, lines, widths, strict=True):
        place[:, :, :width] = _normalised(cv2.resize(line, (width, LINE_HEIGHT), interpolation=cv2.INTER_LINEAR))
    return batch


def decoded(answer: Array, alphabet: Sequence[str]) -> tuple[str, float]:
    """Best path of [step, character] probabilities: repeats and blanks dropped; score is the mean of what is kept."""
    best = answer.argmax(axis=1)
    kept = best != BLANK
    kept[1:] &= best[1:] != best[:-1]
    if not kept.any():
        return "", 0.0
    return "".join(alphabet[i] for i in best[kept]), float(answer.max(axis=1)[kept].mean())


def _alphabet(network: Network) -> list[str]:
    """Blank, the characters that the file's metadata lists one a line, space."""
    if "character" not in network.metadata:
        raise RuntimeMismatch("the text reader has no character table in its metadata")
    return ["", *_lines(network.metadata["character"]), " "]


def _lines(table: str) -> Iterator[str]:
    """Split at line feeds only: the table holds characters that str.splitlines takes for line ends."""
    yield from table.removesuffix("\n").split("\n")


def _normalised(image: Pixels) -> Array:
    scaled = image.astype(np.float32) / 127.5 - 1.0
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


def _only_output(network: Network, values: Array) -> Array:
    outputs = network.run({only_input(network).name: values})
    if len(outputs) != 1:
        raise RuntimeMismatch(f"the network has {len(outputs)} outputs where one is read")
    return next(iter(outputs.values()))


STRATEGY = Strategy(
    name="text_spotting",
    roles=("detection", "recognition"),
    options=frozenset({"shorter_side", "longer_side", "pixel_threshold", "box_threshold", "least_score", "batch"}),
    run=run,
)
