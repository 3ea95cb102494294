"""Image library (TID 1600) of a measurement report: which images the numbers come from."""

from collections.abc import Sequence

import numpy as np
from highdicom.sr import (
    CodeContentItem,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    ImageContentItem,
    NumContentItem,
    RelationshipTypeValues,
    UIDRefContentItem,
)
from highdicom.sr import CodedConcept as DicomConcept
from pydicom.sr.codedict import codes

from appliance.domain.coding import MILLIMETRE, CodedConcept
from appliance.domain.image import FrameReference, Source, Volume, source_shape
from appliance.results.codes import ENTIRE_IMAGE, concept

_PIXELS = CodedConcept("{pixels}", "UCUM", "Pixels")
_CONTEXT = RelationshipTypeValues.HAS_ACQ_CONTEXT

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


def image_library(sources: Sequence[Source]) -> ContainerContentItem:
    """One group per source: its modality, grid and frame of reference, and every instance that was read."""
    library = _container(codes.DCM.ImageLibrary)
    for source in sources:
        group = _container(codes.DCM.ImageLibraryGroup)
        group.ContentSequence.extend(_descriptors(source))
        group.ContentSequence.extend(_images(source))
        library.ContentSequence.append(group)
    return library


def _container(name: DicomConcept) -> ContainerContentItem:
    item = ContainerContentItem(name=name, relationship_type=RelationshipTypeValues.CONTAINS)
    item.ContentSequence = ContentSequence()
    return item


def _descriptors(source: Source) -> list[ContentItem]:
    """TID 1602 rows that hold for all images of the group."""
    rows, columns = source_shape(source)[-2:]
    items: list[ContentItem] = []
    if source.modality in _MODALITIES:
        value = DicomConcept(source.modality, "DCM", _MODALITIES[source.modality])
        items.append(CodeContentItem(name=codes.DCM.Modality, value=value, relationship_type=_CONTEXT))
    if isinstance(source, Volume):
        uid = source.frame_of_reference_uid
        items.append(UIDRefContentItem(codes.DCM.FrameOfReferenceUID, uid, relationship_type=_CONTEXT))
    items.append(_number(codes.DCM.PixelDataRows, rows, _PIXELS))
    items.append(_number(codes.DCM.PixelDataColumns, columns, _PIXELS))
    spacing = source.spacing_mm[1:] if isinstance(source, Volume) else source.pixel_spacing_mm
    if spacing is not None:
        items.append(_number(codes.DCM.HorizontalPixelSpacing, spacing[1], MILLIMETRE))
        items.append(_number(codes.DCM.VerticalPixelSpacing, spacing[0], MILLIMETRE))
    if isinstance(source, Volume):
        items.append(_number(codes.DCM.SpacingBetweenSlices, source.spacing_mm[0], MILLIMETRE))
    return items


def _number(name: DicomConcept, value: float, unit: CodedConcept) -> NumContentItem:
    rounded = value if isinstance(value, int) else float(np.round(value, 9))
    return NumContentItem(name=name, value=rounded, unit=concept(unit), relationship_type=_CONTEXT)


def _images(source: Source) -> list[ImageContentItem]:
    return [_image(reference, numbers) for reference, numbers in _by_instance(source)]


def _by_instance(source: Source) -> list[tuple[FrameReference, list[int]]]:
    """Each instance once, with the frames of it that were read (none for a single-frame object)."""
    frames = source.frames if isinstance(source, Volume) else (source.frame,)
    instances: dict[str, tuple[FrameReference, list[int]]] = {}
    for frame in frames:
        _, numbers = instances.setdefault(frame.sop_instance_uid, (frame, []))
        if frame.frame_number is not None:
            numbers.append(frame.frame_number)
    return list(instances.values())


def _image(reference: FrameReference, numbers: list[int]) -> ImageContentItem:
    return ImageContentItem(
        name=concept(ENTIRE_IMAGE),
        referenced_sop_class_uid=reference.sop_class_uid,
        referenced_sop_instance_uid=reference.sop_instance_uid,
        referenced_frame_numbers=sorted(numbers) or None,
        relationship_type=RelationshipTypeValues.CONTAINS,
    )
