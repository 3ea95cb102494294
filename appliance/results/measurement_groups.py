"""Finding groups to SR measurement groups: TID 1411 (volume), TID 1410 (planar ROI), TID 1501 (whole image)."""

from collections.abc import Mapping

import numpy as np
from highdicom.sr import (
    GraphicTypeValues,
    ImageRegion,
    Measurement,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegment,
    ReferencedSegmentationFrame,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    SourceImageForRegion,
    SourceImageForSegmentation,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)

from appliance.domain.finding import Measurement as Number
from appliance.domain.finding import Region, Segment
from appliance.domain.image import FrameReference, SeriesImages, Source, Volume
from appliance.domain.model_package import ModelPackage
from appliance.results.codes import COMMENT, concept, unit
from appliance.results.grouping import FindingGroup
from appliance.results.provenance import algorithm_identification
from appliance.results.segmentation import SegmentationObject

MeasurementGroup = (
    MeasurementsAndQualitativeEvaluations
    | PlanarROIMeasurementsAndQualitativeEvaluations
    | VolumetricROIMeasurementsAndQualitativeEvaluations
)


def measurement_group(
    group: FindingGroup,
    images: SeriesImages,
    package: ModelPackage,
    segmentations: Mapping[tuple[int, int], SegmentationObject],
) -> MeasurementGroup:
    """The template that fits the subject; segmentations: the SEG of each (source index, segment number) that is in one.

    A segment without voxels, or of a package that writes no SEG, has nothing to refer to and is a TID 1501 group.
    """
    source = images.sources[group.source_index]
    if group.region is not None:
        return _planar_region(group, group.region, package)
    stored = segmentations.get((group.source_index, group.segment.number)) if group.segment is not None else None
    if group.segment is not None and stored is not None:
        if isinstance(source, Volume):
            return _volumetric(group, group.segment, stored, images, package)
        return _planar_segment(group, group.segment, stored, source.frame, package)
    return _whole_image(group, source, package)


def _volumetric(
    group: FindingGroup, segment: Segment, stored: SegmentationObject, images: SeriesImages, package: ModelPackage
) -> MeasurementGroup:
    reference = ReferencedSegment(
        sop_class_uid=stored.dataset.SOPClassUID,
        sop_instance_uid=stored.dataset.SOPInstanceUID,
        segment_number=stored.numbers[segment.number],
        source_series=SourceSeriesForSegmentation(str(images.headers[0].SeriesInstanceUID)),
    )
    built = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(group),
        referenced_segment=reference,
        finding_type=concept(segment.property_type),
        finding_category=concept(segment.category),
        algorithm_id=algorithm_identification(package),
        measurements=_measurements(group),
        qualitative_evaluations=_evaluations(group),
    )
    return _with_comments(built, group)


def _planar_segment(
    group: FindingGroup, segment: Segment, stored: SegmentationObject, frame: FrameReference, package: ModelPackage
) -> MeasurementGroup:
    number = stored.numbers[segment.number]
    reference = ReferencedSegmentationFrame(
        sop_class_uid=stored.dataset.SOPClassUID,
        sop_instance_uid=stored.dataset.SOPInstanceUID,
        frame_number=1,
        segment_number=number,
        source_image=SourceImageForSegmentation(frame.sop_class_uid, frame.sop_instance_uid, _numbers(frame)),
    )
    # highdicom wants both, but a reference names frames or segments, not both (PS3.3 C.18.4)
    del reference[0].ReferencedSOPSequence[0].ReferencedFrameNumber
    built = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(group),
        referenced_segment=reference,
        finding_type=concept(segment.property_type),
        finding_category=concept(segment.category),
        algorithm_id=algorithm_identification(package),
        measurements=_measurements(group),
        qualitative_evaluations=_evaluations(group),
    )
    return _with_comments(built, group)


def _planar_region(group: FindingGroup, region: Region, package: ModelPackage) -> MeasurementGroup:
    """A closed polygon on one frame. What was read there stays out of the SR: it may name a patient."""
    corners = np.array(region.polygon, dtype=float)
    closed = corners if np.array_equal(corners[0], corners[-1]) else np.vstack([corners, corners[:1]])
    frame = region.frame
    outline = ImageRegion(
        graphic_type=GraphicTypeValues.POLYLINE,
        graphic_data=closed,
        source_image=SourceImageForRegion(frame.sop_class_uid, frame.sop_instance_uid, _numbers(frame)),
    )
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(group),
        referenced_region=outline,
        finding_type=concept(region.concept),
        algorithm_id=algorithm_identification(package, brief=True),
        measurements=_measurements(group),
    )


def _whole_image(group: FindingGroup, source: Source, package: ModelPackage) -> MeasurementGroup:
    images = None
    if not isinstance(source, Volume):
        frame = source.frame
        images = [SourceImageForMeasurementGroup(frame.sop_class_uid, frame.sop_instance_uid, _numbers(frame))]
    built = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(group),
        finding_type=concept(group.segment.property_type) if group.segment else None,
        finding_category=concept(group.segment.category) if group.segment else None,
        algorithm_id=algorithm_identification(package),
        measurements=_measurements(group),
        qualitative_evaluations=_evaluations(group),
        source_images=images,
    )
    return _with_comments(built, group)


def _tracking(group: FindingGroup) -> TrackingIdentifier:
    return TrackingIdentifier(uid=group.tracking_uid, identifier=group.tracking_id)


def _numbers(frame: FrameReference) -> list[int] | None:
    return None if frame.frame_number is None else [frame.frame_number]


def _measurements(group: FindingGroup) -> list[Measurement] | None:
    return [_measurement(number) for number in group.numbers] or None


def _measurement(number: Number) -> Measurement:
    return Measurement(
        name=concept(number.concept),
        value=float(number.value),
        unit=concept(unit(number.unit)),
        derivation=concept(number.derivation) if number.derivation else None,
        method=concept(number.method) if number.method else None,
    )


def _evaluations(group: FindingGroup) -> list[QualitativeEvaluation] | None:
    return [QualitativeEvaluation(concept(item.concept), concept(item.value)) for item in group.evaluations] or None


def _with_comments(built: MeasurementGroup, group: FindingGroup) -> MeasurementGroup:
    """The reasons behind evaluations, in words (TID 1501 is extensible)."""
    for item in group.evaluations:
        if item.explanation:
            text = TextContentItem(concept(COMMENT), item.explanation, RelationshipTypeValues.CONTAINS)
            built[0].ContentSequence.append(text)
    return built
