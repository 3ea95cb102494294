"""A series as planar images: X-rays, mammograms, ultrasound, captures; one source per frame that is read."""

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset

from appliance.domain.errors import InputTooLarge
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import Array, FrameReference, PlanarImage, SeriesImages
from appliance.domain.study import Instance, Series
from appliance.study.attributes import attribute, numbers, text
from appliance.study.decoding import StoredFrames
from appliance.study.functional_groups import is_enhanced
from appliance.study.image_pixel import ImagePixel, image_pixel
from appliance.study.objects import DEFAULT_LIMITS, MIB, ReadLimits
from appliance.study.pixel_values import modality_transform, padding_mask, padding_range, palette_rgb
from appliance.study.reference_headers import reference_header
from appliance.study.volumes import OpenObject

PLANAR_INSTANCES = 16
"""A projection study has a handful of views; of a series with more objects than this, evenly spread ones are read."""

SPACING_KEYWORDS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
"""In order of preference: calibrated to the patient, at the detector, of a scanned film (PS3.3 10.7)."""


def read_planar(series: Series, open_object: OpenObject, limits: ReadLimits = DEFAULT_LIMITS) -> SeriesImages:
    """Frames of `series` as planar images, in Instance Number order; of multi-frame objects first, middle and last.

    Raises a subclass of InputRefused with the reason.
    """
    chosen = _spread(sorted(series.instances, key=_instance_order), PLANAR_INSTANCES)
    sources: list[PlanarImage] = []
    headers = []
    size = 0
    for instance in chosen:
        dataset = open_object(instance.sop_instance_uid, True)
        pixel = image_pixel(dataset, frame_pixels=limits.frame_pixels)
        indices = _frame_indices(pixel.number_of_frames)
        size += len(indices) * pixel.rows * pixel.columns * (3 if _is_colour(pixel) else 4)
        if size > limits.series_bytes:
            raise InputTooLarge(f"the images take more than {limits.series_bytes // MIB} MiB")
        frames = StoredFrames(dataset, frame_pixels=limits.frame_pixels)
        sources.extend(planar_image(dataset, frames, index, series.modality) for index in indices)
        headers.append(reference_header(dataset))
    return SeriesImages(sources=tuple(sources), headers=tuple(headers))


def planar_image(dataset: Dataset, frames: StoredFrames, index: int, modality: str) -> PlanarImage:
    """Frame `index` (from 0) of one object."""
    stored = frames.decode(index)
    padding = padding_range(dataset)
    spacing, spacing_source = _pixel_spacing(dataset)
    reference = FrameReference(
        SOPInstanceUID(text(dataset, "SOPInstanceUID")),
        text(dataset, "SOPClassUID"),
        index + 1 if len(frames) > 1 or "NumberOfFrames" in dataset else None,
    )
    pixels, photometric = _pixels(stored, dataset, frames.pixel, index)
    pixels.flags.writeable = False
    grey = pixels.ndim == 2
    return PlanarImage(
        pixels=pixels,
        frame=reference,
        photometric_interpretation=photometric,
        modality=modality,
        pixel_spacing_mm=spacing,
        spacing_source=spacing_source,
        patient_orientation=_patient_orientation(dataset),
        window=_window(dataset) if grey else None,
        padding=padding_mask(stored, padding) if grey and padding is not None else None,
    )


def _pixels(stored: Array, dataset: Dataset, pixel: ImagePixel, index: int) -> tuple[Array, str]:
    if pixel.photometric_interpretation == "PALETTE COLOR":
        return palette_rgb(stored, dataset), "RGB"
    if pixel.samples == 3:
        return np.ascontiguousarray(stored, dtype=np.uint8), "RGB"
    transform = modality_transform(dataset, index if is_enhanced(dataset) else None)
    return transform.apply(stored), pixel.photometric_interpretation


def _is_colour(pixel: ImagePixel) -> bool:
    return pixel.samples == 3 or pixel.photometric_interpretation == "PALETTE COLOR"


def _frame_indices(count: int) -> list[int]:
    return sorted({0, count // 2, count - 1})


def _spread(instances: Sequence[Instance], most: int) -> list[Instance]:
    if len(instances) <= most:
        return list(instances)
    return [instances[round(position)] for position in np.linspace(0, len(instances) - 1, most)]


def _instance_order(instance: Instance) -> tuple[float, str]:
    number = instance.attributes.get("InstanceNumber")
    return (float(number) if isinstance(number, (int, float)) else float("inf"), instance.sop_instance_uid)


def _pixel_spacing(header: Dataset) -> tuple[tuple[float, float] | None, str | None]:
    for keyword in SPACING_KEYWORDS:
        spacing = numbers(header, keyword, 2)
        if spacing is not None and min(spacing) > 0:
            return (spacing[0], spacing[1]), keyword
    return None, None


def _patient_orientation(header: Dataset) -> tuple[str, str] | None:
    value = attribute(header, "PatientOrientation")
    if not isinstance(value, tuple) or len(value) != 2 or not all(value):
        return None
    return str(value[0]), str(value[1])


def _window(header: Dataset) -> tuple[float, float] | None:
    """Centre and width of the first window, or None."""
    pair = []
    for keyword in ("WindowCenter", "WindowWidth"):
        value = attribute(header, keyword)
        first = value[0] if isinstance(value, tuple) else value
        if not isinstance(first, (int, float)):
            return None
        pair.append(float(first))
    return (pair[0], pair[1]) if pair[1] > 0 else None
