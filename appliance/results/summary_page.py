"""The picture of a summary (Pillow): frames with outlines, the findings, the model, and who has not checked it.

It names no patient. The same content gives the same pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from appliance.domain.finding import Outcome, Sentence
from appliance.results.lettering import fitted, font_of, wrapped
from appliance.results.summary_panel import Box, draw_view
from appliance.results.summary_views import View
from appliance.results.summary_window import Shown
from appliance.results.wording import Wording

WIDTH = 1024
LEAST_HEIGHT = 1024
LEAST_HEIGHT_WITHOUT_IMAGES = 512
HEIGHT = 1280
_MARGIN = 24
_IMAGES_TOP, _IMAGES_HEIGHT = 108, 720
_INK, _GREY, _LINE = (232, 236, 240), (160, 170, 180), (70, 78, 86)
_AMBER = (255, 196, 64)
_MARKS = {
    Outcome.POSITIVE: (255, 110, 96),
    Outcome.LIMITED: (255, 176, 64),
    Outcome.NEGATIVE: (120, 200, 130),
    Outcome.INFORMATIVE: (160, 170, 180),
}
_URGENCY = (Outcome.POSITIVE, Outcome.LIMITED, Outcome.INFORMATIVE, Outcome.NEGATIVE)
_FOOT_SIZE, _FOOT_STEP = 15, 20
_TEXT_SIZES = (22, 20, 18, 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryText:
    """What is written on a summary besides what belongs to a view."""

    title: str
    sentences: tuple[Sentence, ...]
    model: str
    software: str
    words: Wording
    not_shown: int = 0


def render(views: Sequence[View], text: SummaryText) -> Shown:
    """The page as uint8 [row, column, 3], as high as its text needs, at most HEIGHT."""
    page = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(page)
    _heading(draw, text)
    top = _IMAGES_TOP
    if views:
        for view, box in zip(views, _boxes(len(views)), strict=True):
            draw_view(page, draw, view, box, text.words)
        top = _legend(draw, views, text, top + _IMAGES_HEIGHT + 8)
    foot = _foot_lines(text)
    foot_height = 36 + _FOOT_STEP * len(foot)
    end = _findings(draw, text, top, HEIGHT - foot_height)
    height = min(HEIGHT, max(end + foot_height, LEAST_HEIGHT if views else LEAST_HEIGHT_WITHOUT_IMAGES))
    _foot(draw, foot, height - foot_height + 20)
    return np.asarray(page, dtype=np.uint8)[:height].copy()


def _boxes(count: int) -> list[Box]:
    across, down = (1, 1) if count == 1 else (2, 1) if count == 2 else (2, 2)
    gap = 8
    width = (WIDTH - 2 * _MARGIN - gap * (across - 1)) // across
    height = (_IMAGES_HEIGHT - gap * (down - 1)) // down
    places = [(row, column) for row in range(down) for column in range(across)]
    return [
        (_MARGIN + column * (width + gap), _IMAGES_TOP + row * (height + gap), width, height)
        for row, column in places[:count]
    ]


def _heading(draw: ImageDraw.ImageDraw, text: SummaryText) -> None:
    width = WIDTH - 2 * _MARGIN
    line, font = fitted(text.title, width, (30, 26, 22, 18), bold=True)
    draw.text((_MARGIN, 16), line, fill=_INK, font=font)
    line, font = fitted(text.words.unverified, width, (22, 18), bold=True)
    draw.text((_MARGIN, 62), line, fill=_AMBER, font=font)
    draw.line((_MARGIN, 98, WIDTH - _MARGIN, 98), fill=_LINE)


def _legend(draw: ImageDraw.ImageDraw, views: Sequence[View], text: SummaryText, top: int) -> int:
    """Names of the outlines in their colours, on at most two lines, and how many are not there; returns where the next
    thing may begin.
    """
    named = dict.fromkeys((outline.name, outline.colour) for view in views for outline in view.outlines)
    font, swatch, step, end = font_of(16), 16, 24, WIDTH - _MARGIN
    x, y, left_out = _MARGIN, top, text.not_shown
    for name, colour in named:
        label, _ = fitted(name, 300, (16,))
        width = swatch + 8 + round(font.getlength(label)) + 24
        if x + width > end and y == top:
            x, y = _MARGIN, y + step
        if x + width > end:
            left_out += 1
            continue
        draw.rectangle((x, y + 2, x + swatch, y + swatch), outline=colour, width=3)
        draw.text((x + swatch + 8, y), label, fill=_INK, font=font)
        x += width
    if left_out:
        remark = text.words.not_shown.format(count=left_out)
        if x + font.getlength(remark) > end:
            x, y = _MARGIN, y + step
        draw.text((x, y), remark, fill=_GREY, font=font)
    return y + step + 10


def _foot_lines(text: SummaryText) -> list[str]:
    """The model and the software."""
    width = WIDTH - 2 * _MARGIN
    lines = wrapped(f"{text.words.model}: {text.model}", font_of(_FOOT_SIZE), width)[:3]
    return [*lines, fitted(text.software, width, (_FOOT_SIZE,))[0]]


def _foot(draw: ImageDraw.ImageDraw, lines: Sequence[str], top: int) -> None:
    draw.line((_MARGIN, top - 8, WIDTH - _MARGIN, top - 8), fill=_LINE)
    for number, line in enumerate(lines):
        draw.text((_MARGIN, top + _FOOT_STEP * number), line, fill=_GREY, font=font_of(_FOOT_SIZE))


def _findings(draw: ImageDraw.ImageDraw, text: SummaryText, top: int, bottom: int) -> int:
    """All sentences in the largest type in which they fit; where they fit in none, the most urgent, and that there is
    more. Returns where the text ends.
    """
    width = WIDTH - 2 * _MARGIN - 24
    for size in _TEXT_SIZES:
        if sum(1 for _ in _lines(text.sentences, size, width)) * (size + 8) <= bottom - top:
            break
    step = size + 8
    room = (bottom - top) // step
    lines = list(_lines(text.sentences, size, width))
    cut = len(lines) > room
    if cut:
        urgent = sorted(text.sentences, key=lambda sentence: _URGENCY.index(sentence.outcome))
        lines = _whole_sentences(list(_lines(urgent, size, width)), room - 1)
    for number, (colour, line) in enumerate(lines):
        y = top + number * step
        if colour is not None:
            draw.ellipse((_MARGIN, y + size // 2 - 4, _MARGIN + 10, y + size // 2 + 6), fill=colour)
        draw.text((_MARGIN + 24, y), line, fill=_INK, font=font_of(size))
    if cut:
        draw.text((_MARGIN + 24, top + len(lines) * step), text.words.more, fill=_AMBER, font=font_of(size, bold=True))
    return top + (len(lines) + cut) * step


Line = tuple[tuple[int, int, int] | None, str]
"""The colour of the mark before a line that begins a sentence, and its text."""


def _lines(sentences: Sequence[Sentence], size: int, width: int) -> Iterator[Line]:
    font = font_of(size)
    for sentence in sentences:
        for number, line in enumerate(wrapped(sentence.text, font, width)):
            yield (None if number else _MARKS[sentence.outcome]), line


def _whole_sentences(lines: list[Line], room: int) -> list[Line]:
    """As many lines as there is room for, without the beginning of a sentence that does not end there."""
    kept = lines[: max(room, 0)]
    while kept and lines[len(kept)][0] is None:
        kept.pop()
    return kept
