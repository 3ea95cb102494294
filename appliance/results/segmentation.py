"""Segments to DICOM SEG (PS3.3 A.51), BINARY or LABELMAP, frame by frame referenced to the source.

highdicom encodes; what it is given are stand-ins for the source images, one single-frame header per slice, built from
the geometry that the volume was accepted with. So single-frame stacks, enhanced multi-frame objects (any choice and
order of their frames) and planar images take the same way.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentDescription
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from appliance.domain.dicom_result import DeviceIdentity, ResultKind
from appliance.domain.finding import Segment
from appliance.domain.image import Mask, PlanarImage, SeriesImages, Source
from appliance.domain.model_package import ModelPackage
from appliance.domain.workitem import Workitem
from appliance.results import provenance, stand_ins, uids
from appliance.results.codes import concept
from appliance.results.encoding import local_time, stamp
from appliance.results.grouping import segment_tracking
from appliance.results.options import ResultOptions, SegmentationEncoding
from appliance.results.source_header import CHARACTER_SET, patient_and_study


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SegmentationObject:
    """One SEG dataset and what it holds.

    segments: those with at least one voxel, in the order of their Segment Numbers.
    numbers: number of the finding's segment -> Segment Number (0062,0004) in the object; an empty segment has none.
    """

    dataset: Dataset = field(repr=False)
    source_index: int
    segments: tuple[Segment, ...]
    numbers: Mapping[int, int]
    transfer_syntax_uid: str


def build_segmentations(
    segments: Sequence[Segment],
    workitem: Workitem,
    images: SeriesImages,
    package: ModelPackage,
    device: DeviceIdentity,
    options: ResultOptions,
) -> tuple[SegmentationObject, ...]:
    """One SEG for each source in which something was segmented, or several where `options` bound the segments of one;
    a source without a voxel gets none.

    An empty SEG hangs viewers, and is ambiguous: that nothing was found is said by the SR.
    """
    if options.segmentation is None:
        return ()
    return tuple(
        _build(group, index, part, images.sources[index], workitem, images, package, device, options)
        for index, part, group in _groups(segments, options)
    )


def effective(options: ResultOptions, segments: Sequence[Segment]) -> ResultOptions:
    """`options` without what makes no difference to these segments, so that equal objects get equal UIDs."""
    groups = list(_groups(segments, options))
    if not groups:
        return replace(options, segmentation=SegmentationEncoding.BINARY, largest_segment_count=0)
    if options.segmentation is None:
        return replace(options, largest_segment_count=0)
    if not any(part for _, part, _ in groups):
        options = replace(options, largest_segment_count=0)
    if options.segmentation is SegmentationEncoding.LABELMAP and all(
        label_map([segment.mask for segment in group]) is None for _, _, group in groups
    ):
        return replace(options, segmentation=SegmentationEncoding.BINARY)
    return options


def _groups(segments: Sequence[Segment], options: ResultOptions) -> Iterator[tuple[int, int, tuple[Segment, ...]]]:
    """(source index, number of the part from 0, segments with a voxel) of each SEG."""
    filled = sorted((item for item in segments if item.mask.any()), key=lambda item: (item.source_index, item.number))
    for index, of_source in itertools.groupby(filled, key=lambda item: item.source_index):
        together = tuple(of_source)
        size = options.largest_segment_count or len(together)
        for part, start in enumerate(range(0, len(together), size)):
            yield index, part, together[start : start + size]


def _build(
    segments: tuple[Segment, ...],
    index: int,
    part: int,
    source: Source,
    workitem: Workitem,
    images: SeriesImages,
    package: ModelPackage,
    device: DeviceIdentity,
    options: ResultOptions,
) -> SegmentationObject:
    labels = label_map([segment.mask for segment in segments])
    encoding = options.segmentation if labels is not None and options.segmentation else SegmentationEncoding.BINARY
    edition = f"{options.form}, part {part}" if part else options.form
    syntax = RLELossless if encoding is SegmentationEncoding.LABELMAP else ExplicitVRLittleEndian
    sources = stand_ins.of(source, images.headers)
    moment = local_time(workitem.created_at, images.headers[0])
    dataset = Segmentation(
        source_images=sources,
        pixel_array=labels if labels is not None else np.stack([item.mask for item in segments], axis=-1),
        segmentation_type=str(encoding),
        segment_descriptions=[_description(n, s, workitem, package) for n, s in enumerate(segments, start=1)],
        series_instance_uid=uids.series_uid(workitem.uid, ResultKind.SEG, options.form),
        series_number=uids.series_number(package.name, ResultKind.SEG),
        sop_instance_uid=uids.instance_uid(workitem.uid, ResultKind.SEG, index, edition),
        instance_number=1 + index + part * len(images.sources),
        manufacturer=device.manufacturer,
        manufacturer_model_name=device.model_name,
        software_versions=device.software_version,
        device_serial_number=device.serial_number,
        content_label="SEGMENTATION",
        content_description=provenance.series_description(package.title),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        omit_empty_frames=not options.keep_empty_frames,
        specific_character_set=CHARACTER_SET,
        series_description=provenance.series_description(package.title, "SEG"),
    )
    dataset.ContentCreatorName = None
    if isinstance(source, PlanarImage):
        # type 2C: required where nothing else orients the image
        dataset.PatientOrientation = list(source.patient_orientation or ()) or None
    dataset.update(patient_and_study(images.headers[0]))
    provenance.add_equipment(dataset, device)
    dataset.ContributingEquipmentSequence = provenance.contributing_equipment(sources[0], device, (package,), moment)
    stand_ins.restore_references(dataset, source)
    stand_ins.restore_thickness(dataset, source, images.headers)
    _name_dimensions(dataset)
    stamp(dataset, moment)
    if syntax == RLELossless:
        # highdicom would take gdcm's encoder, which aborts the process on some frames
        dataset.compress(RLELossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    return SegmentationObject(
        dataset=dataset,
        source_index=index,
        segments=segments,
        numbers={segment.number: number for number, segment in enumerate(segments, start=1)},
        transfer_syntax_uid=str(syntax),
    )


def label_map(masks: Sequence[Mask]) -> npt.NDArray[np.unsignedinteger[npt.NBitBase]] | None:
    """Masks as one array in which the n-th (from 1) has the value n; None when two of them overlap."""
    labels = np.zeros(masks[0].shape, dtype=np.uint8 if len(masks) < 256 else np.uint16)
    for number, mask in enumerate(masks, start=1):
        if number > 1 and labels[mask].any():
            return None
        labels[mask] = number
    return labels


def _description(number: int, segment: Segment, workitem: Workitem, package: ModelPackage) -> SegmentDescription:
    tracking_id, tracking_uid = segment_tracking(workitem, segment)
    description = SegmentDescription(
        segment_number=number,
        segment_label=provenance.shortened(segment.label),
        segmented_property_category=concept(segment.category),
        segmented_property_type=concept(segment.property_type),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=provenance.algorithm_identification_sequence(package),
        tracking_uid=tracking_uid,
        tracking_id=tracking_id,
        display_color=CIELabColor.from_rgb(*segment.colour),
    )
    if segment.modifier is not None:
        modifier = concept(segment.modifier)
        description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [modifier]
    return description


def _name_dimensions(dataset: Dataset) -> None:
    """highdicom draws a random Dimension Organization UID; ours derives from the object."""
    uid = uids.dimension_organization_uid(dataset.SOPInstanceUID)
    for item in (*dataset.DimensionOrganizationSequence, *dataset.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
