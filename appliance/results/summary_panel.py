"""One frame on the page of a summary (Pillow, OpenCV): the pixels, outlines, letters at the edges, a scale bar."""

import cv2
import numpy as np
from PIL import Image, ImageDraw

from appliance.domain.image import Mask
from appliance.results.lettering import fitted, font_of
from appliance.results.summary_views import Outline, View, opposite
from appliance.results.summary_window import Shown
from appliance.results.wording import Wording

_INK, _GREY = (232, 236, 240), (160, 170, 180)
_CAPTION = 26
_SCALES_MM = (500, 200, 100, 50, 20, 10, 5, 2, 1)

Box = tuple[int, int, int, int]
"""left, top, width, height."""


def draw_view(page: Image.Image, draw: ImageDraw.ImageDraw, view: View, box: Box, words: Wording) -> None:
    """Paint `view` into `box` of the page that `draw` draws on."""
    left, top, width, height = image_rectangle(view, box)
    scaled = Image.fromarray(view.pixels).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    canvas = np.asarray(scaled, dtype=np.uint8).copy()
    for outline in view.outlines:
        draw_outline(canvas, outline)
    page.paste(Image.fromarray(canvas), (left, top))
    if view.directions is not None:
        _letters(draw, view.directions, (left, top, width, height))
    if view.spacing_mm is not None:
        _scale_bar(draw, view, (left, top, width, height), words)
    line, font = fitted(_caption(view, words), box[2], (16, 14, 12))
    draw.text((box[0] + box[2] / 2, box[1] + box[3] - _CAPTION + 4), line, fill=_GREY, font=font, anchor="ma")


def draw_outline(canvas: Shown, outline: Outline, thickness: int = 2) -> None:
    """Paint the edge of a segment over pixels [row, column, 3] of any size, dark on both sides."""
    height, width = canvas.shape[:2]
    contours, _ = cv2.findContours(_scaled(outline.mask, width, height), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, contours, -1, (0, 0, 0), thickness + 2, cv2.LINE_AA)
    cv2.drawContours(canvas, contours, -1, outline.colour, thickness, cv2.LINE_AA)


def _scaled(mask: Mask, width: int, height: int) -> Shown:
    """The mask in the pixels of the page, as 0 and 1; what is thinner than one of them is not lost."""
    soft = Image.fromarray(mask.astype(np.uint8) * 255).resize((width, height), Image.Resampling.BILINEAR)
    values = np.asarray(soft)
    return np.asarray(values >= (128 if (values >= 128).any() else 1), dtype=np.uint8)


def _letters(draw: ImageDraw.ImageDraw, directions: tuple[str, str], box: Box) -> None:
    left, top, width, height = box
    right_edge, lower_edge = directions
    inset = 8
    for letters, place, anchor in (
        (opposite(right_edge), (left + inset, top + height / 2), "lm"),
        (right_edge, (left + width - inset, top + height / 2), "rm"),
        (opposite(lower_edge), (left + width / 2, top + inset), "ma"),
        (lower_edge, (left + width / 2, top + height - inset), "md"),
    ):
        _on_image(draw, place, letters, anchor, 24)


def _scale_bar(draw: ImageDraw.ImageDraw, view: View, box: Box, words: Wording) -> None:
    assert view.spacing_mm is not None
    left, top, width, height = box
    per_mm = width / (view.pixels.shape[1] * view.spacing_mm[1])
    length_mm = next((mm for mm in _SCALES_MM if mm * per_mm <= width / 3), 0)
    if not length_mm:
        return
    right, y = left + width - 16, top + height - 16
    start = right - round(length_mm * per_mm)
    for colour, thickness in (((0, 0, 0), 5), (_INK, 2)):
        draw.line((start, y, right, y), fill=colour, width=thickness)
        for x in (start, right):
            draw.line((x, y - 6, x, y + 6), fill=colour, width=thickness)
    label = f"{length_mm} mm" + (f" {words.at_detector}" if view.at_detector else "")
    _on_image(draw, (right, y - 10), label, "rd", 15)


def _on_image(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, anchor: str, size: int) -> None:
    draw.text(
        place, text, fill=_INK, font=font_of(size, bold=True), anchor=anchor, stroke_width=2, stroke_fill=(0, 0, 0)
    )


def _caption(view: View, words: Wording) -> str:
    parts = [f"{words.series} {view.series_number}"] if view.series_number else []
    parts += [f"{words.image} {view.image_number}"] if view.image_number else []
    parts += [f"{words.frame} {view.frame.frame_number}"] if view.frame.frame_number is not None else []
    if view.window is not None:
        said = getattr(words, f"window_{view.window.origin}")
        parts.append(said.format(centre=f"{view.window.centre:.5g}", width=f"{view.window.width:.5g}"))
    return "  ·  ".join(parts)


def image_rectangle(view: View, box: Box) -> Box:
    """Where the frame lies within `box`: as large as fits, with pixels as wide and high as they are in the patient."""
    rows, columns = view.pixels.shape[:2]
    row_mm, column_mm = view.spacing_mm or (1.0, 1.0)
    left, top, width, height = box
    height -= _CAPTION
    scale = min(width / (columns * column_mm), height / (rows * row_mm))
    w, h = max(1, round(columns * column_mm * scale)), max(1, round(rows * row_mm * scale))
    return left + (width - w) // 2, top + (height - h) // 2, w, h
