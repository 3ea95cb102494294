"""Numbers measured in a mask, in the source's own grid and values."""

from collections.abc import Iterator

import numpy as np

from appliance.domain.coding import (
    HOUNSFIELD_UNIT,
    MILLILITRE,
    MILLIMETRE,
    NO_UNITS,
    SQUARE_CENTIMETRE,
    CodedConcept,
)
from appliance.domain.finding import Measurement
from appliance.domain.image import Mask, PlanarImage, Volume
from appliance.findings import codes
from appliance.findings.extents import PlaneExtent, axial_extent, maximum_diameter, plane_extent

DETECTOR_SPACING = "ImagerPixelSpacing"


def measured_in_volume(mask: Mask, volume: Volume, segment: int) -> tuple[Measurement, ...]:
    """Volume in ml, mean and standard deviation of the values, diameters in mm, centroid in LPS mm.

    mask: [slice, row, column], not empty. Voxels that are padding count for the volume, not for the values.
    """
    return (
        Measurement(concept=codes.VOLUME, value=int(mask.sum()) * volume.voxel_ml, unit=MILLILITRE, segment=segment),
        *_intensity(mask, volume, segment),
        Measurement(
            concept=codes.MAXIMUM_3D_DIAMETER,
            value=maximum_diameter(mask, volume.affine),
            unit=MILLIMETRE,
            segment=segment,
        ),
        *_axes(axial_extent(mask, volume.affine), segment),
        *_centroid(mask, volume, segment),
    )


def measured_in_image(mask: Mask, image: PlanarImage, segment: int, source_index: int = 0) -> tuple[Measurement, ...]:
    """Area in cm2 and diameters in mm where the header gives a pixel spacing; nothing where it does not.

    A spacing that holds in the plane of the detector is named as the method, since the body is nearer to the source
    and therefore smaller (PS3.3 10.7.1.3). Intensities of projections mean nothing physical and are not measured.
    mask: [row, column], not empty.
    """
    if image.pixel_spacing_mm is None:
        return ()
    between_rows, between_columns = image.pixel_spacing_mm
    method = codes.AT_DETECTOR if image.spacing_source == DETECTOR_SPACING else None
    area = Measurement(
        concept=codes.AREA,
        value=int(mask.sum()) * between_rows * between_columns / 100.0,
        unit=SQUARE_CENTIMETRE,
        segment=segment,
        method=method,
        source_index=source_index,
    )
    return area, *_axes(plane_extent(mask, image.pixel_spacing_mm), segment, method, source_index)


def intensity_concept(volume: Volume) -> tuple[CodedConcept, CodedConcept]:
    """What the values of a volume are, and their unit: attenuation only where the rescale says Hounsfield units."""
    if volume.unit == HOUNSFIELD_UNIT:
        return codes.ATTENUATION_COEFFICIENT, volume.unit
    if volume.modality == "MR":
        return codes.MR_SIGNAL_INTENSITY, NO_UNITS
    return codes.IMAGE_INTENSITY, volume.unit


def _intensity(mask: Mask, volume: Volume, segment: int) -> Iterator[Measurement]:
    counted = mask if volume.padding is None else mask & ~volume.padding
    values = volume.voxels[counted].astype(np.float64)
    if values.size == 0:
        return
    concept, unit = intensity_concept(volume)
    for derivation, value in ((codes.MEAN, values.mean()), (codes.STANDARD_DEVIATION, values.std())):
        yield Measurement(concept=concept, value=float(value), unit=unit, segment=segment, derivation=derivation)


def _axes(
    extent: PlaneExtent, segment: int, method: CodedConcept | None = None, source_index: int = 0
) -> Iterator[Measurement]:
    lengths = (codes.LONG_AXIS, extent.long_mm), (codes.PERPENDICULAR_AXIS, extent.perpendicular_mm)
    for concept, value in lengths:
        yield Measurement(
            concept=concept, value=value, unit=MILLIMETRE, segment=segment, method=method, source_index=source_index
        )


def _centroid(mask: Mask, volume: Volume, segment: int) -> Iterator[Measurement]:
    for concept, value in zip(codes.CENTROID, centroid_mm(mask, volume), strict=True):
        yield Measurement(concept=concept, value=value, unit=MILLIMETRE, segment=segment)


def centroid_mm(mask: Mask, volume: Volume) -> tuple[float, float, float]:
    """Centre of a mask that is not empty, in LPS mm."""
    x, y, z, _ = volume.affine @ [*centroid_index(mask), 1.0]
    return float(x), float(y), float(z)


def centroid_index(mask: Mask) -> tuple[float, ...]:
    """Mean array index of a mask that is not empty."""
    total = float(mask.sum())
    axes = range(mask.ndim)
    profiles = (mask.sum(axis=tuple(a for a in axes if a != axis), dtype=np.float64) for axis in axes)
    return tuple(float(profile @ np.arange(profile.size)) / total for profile in profiles)
