"""Single-frame stand-ins for source images, whatever the source is stored as.

highdicom derives the geometry and the references of a SEG from source headers. Real headers are enhanced or not, in any
order and with faults; a stand-in has only what a SEG takes over, from the geometry that the volume was accepted with.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydicom import Dataset
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage

from appliance.domain.identifiers import derived_uid
from appliance.domain.image import Affine, FrameReference, PlanarImage, Source, Volume, source_shape
from appliance.results.decimal_strings import decimal_string
from appliance.results.source_header import equipment, unnamed

_LOSSY = ("LossyImageCompressionRatio", "LossyImageCompressionMethod")
"""1C: only beside Lossy Image Compression 01."""


def of(source: Source, headers: Sequence[Dataset]) -> list[Dataset]:
    """One header per slice of a volume, in slice order; one for a planar image."""
    by_uid = {str(header.SOPInstanceUID): header for header in headers}
    if isinstance(source, Volume):
        return _volume_slices(source, by_uid)
    return [_planar(source, by_uid[source.frame.sop_instance_uid])]


def plane_affine(dataset_item: Dataset, shared: Dataset) -> Affine:
    """(4, 3) from (row, column, 1) of a frame to LPS mm, read from its functional groups (PS3.3 C.7.6.2.1.1)."""
    position = _group(dataset_item, shared, "PlanePositionSequence").ImagePositionPatient
    orientation = _group(dataset_item, shared, "PlaneOrientationSequence").ImageOrientationPatient
    row_mm, column_mm = _group(dataset_item, shared, "PixelMeasuresSequence").PixelSpacing
    plane = np.zeros((4, 3))
    plane[:3, 0] = np.array(orientation[3:], dtype=float) * float(row_mm)
    plane[:3, 1] = np.array(orientation[:3], dtype=float) * float(column_mm)
    plane[:3, 2] = np.array(position, dtype=float)
    plane[3, 2] = 1.0
    return plane


def restore_references(dataset: Dataset, source: Source) -> None:
    """Make the references of a SEG that was built on stand-ins name the real instances, SOP classes and frames."""
    real = {_stand_in_uid(frame): frame for frame in _frames(source)}
    for series in dataset.ReferencedSeriesSequence:
        series.ReferencedInstanceSequence = _instances(series.ReferencedInstanceSequence, real)
    if "SourceImageSequence" in dataset:
        dataset.SourceImageSequence = _instances(dataset.SourceImageSequence, real)
    for item in dataset.PerFrameFunctionalGroupsSequence:
        for reference in item.DerivationImageSequence[0].SourceImageSequence:
            frame = real[str(reference.ReferencedSOPInstanceUID)]
            reference.update(_reference(frame))
            if frame.frame_number is not None:
                reference.ReferencedFrameNumber = frame.frame_number


def restore_thickness(dataset: Dataset, source: Source, headers: Sequence[Dataset]) -> None:
    """Slice Thickness as the source states it; none where it states none (slices may overlap)."""
    for measures in dataset.SharedFunctionalGroupsSequence[0].get("PixelMeasuresSequence") or ():
        measures.pop("SliceThickness", None)
        if thickness := _slice_thickness(source, headers):
            measures.SliceThickness = thickness


def _instances(references: Sequence[Dataset], real: Mapping[str, FrameReference]) -> list[Dataset]:
    """Each real instance once."""
    frames = {real[str(item.ReferencedSOPInstanceUID)].sop_instance_uid: item for item in references}
    return [_reference(real[str(item.ReferencedSOPInstanceUID)]) for item in frames.values()]


def _reference(frame: FrameReference) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = frame.sop_class_uid
    item.ReferencedSOPInstanceUID = frame.sop_instance_uid
    return item


def _stand_in_uid(frame: FrameReference) -> str:
    """Every frame stands alone, so that highdicom can tell them apart."""
    if frame.frame_number is None:
        return frame.sop_instance_uid
    return derived_uid("stand-in", frame.sop_instance_uid, str(frame.frame_number))


def _frames(source: Source) -> tuple[FrameReference, ...]:
    return source.frames if isinstance(source, Volume) else (source.frame,)


def _volume_slices(volume: Volume, headers: Mapping[str, Dataset]) -> list[Dataset]:
    # one orientation and spacing for all slices, as they were judged to be one volume
    rows, columns = volume.affine[:3, 1], volume.affine[:3, 2]
    row_mm, column_mm = float(np.linalg.norm(rows)), float(np.linalg.norm(columns))
    orientation = [decimal_string(value) for value in (*(columns / column_mm), *(rows / row_mm))]
    common = _common(headers[volume.frames[0].sop_instance_uid], volume)
    common.ImageOrientationPatient = orientation
    common.PixelSpacing = [decimal_string(row_mm), decimal_string(column_mm)]
    common.SpacingBetweenSlices = decimal_string(volume.spacing_mm[0])
    common.SliceThickness = common.SpacingBetweenSlices  # highdicom demands one; set right in the result
    common.FrameOfReferenceUID = volume.frame_of_reference_uid
    slices = []
    for index, frame in enumerate(volume.frames):
        item = Dataset()
        item.update(common)
        item.SOPInstanceUID = _stand_in_uid(frame)
        item.ImagePositionPatient = [decimal_string(value) for value in volume.affine[:3] @ [index, 0, 0, 1]]
        slices.append(item)
    return slices


def _planar(image: PlanarImage, header: Dataset) -> Dataset:
    item = _common(header, image)
    item.SOPInstanceUID = _stand_in_uid(image.frame)
    if image.pixel_spacing_mm is not None:
        item.PixelSpacing = [decimal_string(value) for value in image.pixel_spacing_mm]
    return item


def _common(header: Dataset, source: Source) -> Dataset:
    item = unnamed(header)
    item.update(equipment(header))
    item.SOPClassUID = CTImageStorage if isinstance(source, Volume) else SecondaryCaptureImageStorage
    item.SeriesInstanceUID = str(header.SeriesInstanceUID)
    item.Modality = source.modality
    item.Rows, item.Columns = source_shape(source)[-2:]
    item.LossyImageCompression = "01" if str(header.get("LossyImageCompression")) == "01" else "00"
    if item.LossyImageCompression == "01":
        for keyword in _LOSSY:
            if header.get(keyword):
                setattr(item, keyword, header.get(keyword))
    return item


def _slice_thickness(source: Source, headers: Sequence[Dataset]) -> str | None:
    """Slice Thickness of the first slice as its header states it, at the top or in its functional groups."""
    if not isinstance(source, Volume):
        return None
    frame = source.frames[0]
    header = next(item for item in headers if str(item.SOPInstanceUID) == frame.sop_instance_uid)
    groups = [header, *(header.get("SharedFunctionalGroupsSequence") or ())]
    if frame.frame_number is not None:
        groups += list(header.get("PerFrameFunctionalGroupsSequence") or ())[
            frame.frame_number - 1 : frame.frame_number
        ]
    for group in groups:
        for item in (group, *(group.get("PixelMeasuresSequence") or ())):
            value = item.get("SliceThickness")
            if isinstance(value, float) and value > 0:
                return decimal_string(value)
    return None


def _group(item: Dataset, shared: Dataset, keyword: str) -> Dataset:
    """The macro of a frame, from its own functional groups or the shared ones."""
    group: Dataset = (item.get(keyword) or shared[keyword].value)[0]
    return group
