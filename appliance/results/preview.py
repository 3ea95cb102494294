"""A picture of what a stored object says, on the slice that it was said of: PNG, for pages (Pillow)."""

from collections.abc import Sequence
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, ImageDraw
from pydicom import Dataset

from appliance.domain.image import Array, Mask, PlanarImage
from appliance.results.summary_panel import draw_outline, draw_view, image_rectangle
from appliance.results.summary_views import Outline, View, directions, letters
from appliance.results.summary_window import Window, shown, window_for
from appliance.results.wording import wording

_CAPTION = 26
THUMBNAIL = 160
PREVIEW = 420


def frame_view(image: PlanarImage, header: Dataset, geometry: Dataset | None, outlines: tuple[Outline, ...]) -> View:
    """One frame with its window, orientation and spacing from the headers.

    geometry: a functional group that says what the header of an enhanced image does not at its top level, or None.
    """
    grey = image.pixels.ndim == 2
    subject: Mask = np.ones(image.pixels.shape[:2], dtype=bool)
    if outlines:
        subject = np.logical_or.reduce([outline.mask for outline in outlines])
    window: Window | None = None
    pixels: Array = image.pixels
    if grey:
        window = window_for(image.pixels, subject, header, image.modality, image.frame.frame_number)
        inverted = image.photometric_interpretation == "MONOCHROME1"
        pixels = shown(image.pixels, window, inverted=inverted, padding=image.padding)
    return View(
        pixels=np.asarray(pixels, dtype=np.uint8),
        frame=image.frame,
        series_number=str(header.get("SeriesNumber") or ""),
        image_number=str(header.get("InstanceNumber") or ""),
        spacing_mm=image.pixel_spacing_mm or _spacing(geometry),
        at_detector=image.spacing_source == "ImagerPixelSpacing",
        directions=_directions(header) or (geometry and _directions(geometry)) or directions(image),
        window=window,
        outlines=outlines,
    )


def polygon_mask(points: Sequence[tuple[float, float]], shape: tuple[int, int]) -> Mask:
    """The pixels inside a polygon of (column, row) pairs."""
    canvas = np.zeros(shape, dtype=np.uint8)
    cv2.fillPoly(canvas, [np.rint(np.asarray(points, dtype=np.float64)).astype(np.int32)], 1)
    return np.asarray(canvas, dtype=bool)


def preview(view: View, language: str, size: int = PREVIEW) -> bytes:
    """The frame with outlines, orientation letters, a scale bar and its window; `size` pixels at its longer side."""
    _, _, width, height = image_rectangle(view, (0, 0, size, size + _CAPTION))
    page = Image.new("RGB", (max(width, 320), height + _CAPTION))
    draw_view(page, ImageDraw.Draw(page), view, (0, 0, page.width, page.height), wording(language))
    return _png(page)


def thumbnail(view: View, size: int = THUMBNAIL) -> bytes:
    """The frame with outlines alone, in a square."""
    left, top, width, height = image_rectangle(view, (0, 0, size, size + _CAPTION))
    scaled = Image.fromarray(view.pixels).convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    canvas = np.asarray(scaled, dtype=np.uint8).copy()
    for outline in view.outlines:
        draw_outline(canvas, outline, thickness=1)
    page = Image.new("RGB", (size, size))
    page.paste(Image.fromarray(canvas), (left, top))
    return _png(page)


def _png(page: Image.Image) -> bytes:
    buffer = BytesIO()
    page.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _directions(header: Dataset) -> tuple[str, str] | None:
    cosines = header.get("ImageOrientationPatient")
    if cosines is None or len(cosines) != 6:
        return None
    values = np.asarray([float(value) for value in cosines])
    if not np.isfinite(values).all() or not values[:3].any() or not values[3:].any():
        return None
    return letters(values[:3]), letters(values[3:])


def _spacing(geometry: Dataset | None) -> tuple[float, float] | None:
    spacing = geometry.get("PixelSpacing") if geometry is not None else None
    return (float(spacing[0]), float(spacing[1])) if spacing else None
