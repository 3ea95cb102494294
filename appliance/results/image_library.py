"""Image library (TID 1600) of a measurement report: which images the numbers come from."""

from collections.abc import Sequence

import numpy as np
from pydicom import Dataset

from appliance.domain.coding import MILLIMETRE, CodedConcept
from appliance.domain.image import FrameReference, Source, Volume, source_shape
from appliance.results.codes import ENTIRE_IMAGE, IMAGE_LIBRARY, IMAGE_LIBRARY_GROUP
from appliance.results.content_items import CONTAINS, HAS_ACQ_CONTEXT, code, container, number, reference, uid_reference

MODALITY = CodedConcept("121139", "DCM", "Modality")
FRAME_OF_REFERENCE_UID = CodedConcept("112227", "DCM", "Frame of Reference UID")
PIXEL_DATA_ROWS = CodedConcept("110910", "DCM", "Pixel Data Rows")
PIXEL_DATA_COLUMNS = CodedConcept("110911", "DCM", "Pixel Data Columns")
HORIZONTAL_PIXEL_SPACING = CodedConcept("111026", "DCM", "Horizontal Pixel Spacing")
VERTICAL_PIXEL_SPACING = CodedConcept("111066", "DCM", "Vertical Pixel Spacing")
SPACING_BETWEEN_SLICES = CodedConcept("112226", "DCM", "Spacing between slices")

_PIXELS = CodedConcept("{pixels}", "UCUM", "Pixels")

# CID 29
_MODALITIES = {
    "CR": "Computed Radiography",
    "CT": "Computed Tomography",
    "DX": "Digital Radiography",
    "MG": "Mammography",
    "MR": "Magnetic Resonance",
    "NM": "Nuclear Medicine",
    "PT": "Positron emission tomography",
    "US": "Ultrasound",
    "XA": "X-Ray Angiography",
}


def image_library(sources: Sequence[Source]) -> Dataset:
    """One group per source: its modality, grid and frame of reference, and every instance that was read."""
    groups = [container(IMAGE_LIBRARY_GROUP, [*_descriptors(source), *_images(source)]) for source in sources]
    return container(IMAGE_LIBRARY, groups)


def _descriptors(source: Source) -> list[Dataset]:
    """TID 1602 rows that hold for all images of the group."""
    rows, columns = source_shape(source)[-2:]
    items = []
    if source.modality in _MODALITIES:
        modality = CodedConcept(source.modality, "DCM", _MODALITIES[source.modality])
        items.append(code(MODALITY, modality, HAS_ACQ_CONTEXT))
    if isinstance(source, Volume):
        items.append(uid_reference(FRAME_OF_REFERENCE_UID, source.frame_of_reference_uid, HAS_ACQ_CONTEXT))
    items.append(_length(PIXEL_DATA_ROWS, rows, _PIXELS))
    items.append(_length(PIXEL_DATA_COLUMNS, columns, _PIXELS))
    spacing = source.spacing_mm[1:] if isinstance(source, Volume) else source.pixel_spacing_mm
    if spacing is not None:
        items.append(_length(HORIZONTAL_PIXEL_SPACING, spacing[1], MILLIMETRE))
        items.append(_length(VERTICAL_PIXEL_SPACING, spacing[0], MILLIMETRE))
    if isinstance(source, Volume):
        items.append(_length(SPACING_BETWEEN_SLICES, source.spacing_mm[0], MILLIMETRE))
    return items


def _length(name: CodedConcept, value: float, unit: CodedConcept) -> Dataset:
    return number(name, float(np.round(value, 9)), unit, HAS_ACQ_CONTEXT)


def _images(source: Source) -> list[Dataset]:
    return [
        reference("IMAGE", ENTIRE_IMAGE, item.sop_class_uid, item.sop_instance_uid, CONTAINS, frames=sorted(numbers))
        for item, numbers in _by_instance(source)
    ]


def _by_instance(source: Source) -> list[tuple[FrameReference, list[int]]]:
    """Each instance once, with the frames of it that were read (none for a single-frame object)."""
    frames = source.frames if isinstance(source, Volume) else (source.frame,)
    instances: dict[str, tuple[FrameReference, list[int]]] = {}
    for frame in frames:
        _, numbers = instances.setdefault(frame.sop_instance_uid, (frame, []))
        if frame.frame_number is not None:
            numbers.append(frame.frame_number)
    return list(instances.values())
