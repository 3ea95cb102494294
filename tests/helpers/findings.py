"""Findings, packages and workitems to build results from, on any images that the reader made."""

from datetime import UTC, datetime

import numpy as np

from appliance.domain.coding import (
    ABSENT,
    HOUNSFIELD_UNIT,
    MILLILITRE,
    MILLIMETRE,
    NORMAL,
    PRESENT,
    SQUARE_CENTIMETRE,
    CodedConcept,
    private,
)
from appliance.domain.dicom_result import DeviceIdentity
from appliance.domain.finding import Evaluation, Finding, Measurement, OperatingPoint, Outcome, Region, Segment
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID, WorkitemUID, derived_uid
from appliance.domain.image import FrameReference, Mask, PlanarImage, SeriesImages, Volume
from appliance.domain.model_package import InputKind, ModelFile, ModelPackage, Role, SeriesCriteria, Status
from appliance.domain.workitem import Analysis, Workitem
from tests.helpers.dicom_builder import Phantom, ct_series, projection

ANATOMY = CodedConcept("91723000", "SCT", "Anatomical Structure")
LIVER = CodedConcept("10200004", "SCT", "Liver")
SPLEEN = CodedConcept("78961009", "SCT", "Spleen")
VOLUME = CodedConcept("118565006", "SCT", "Volume")
AREA = CodedConcept("42798000", "SCT", "Area")
LONG_AXIS = CodedConcept("103339001", "SCT", "Long axis")
ATTENUATION = CodedConcept("112031", "DCM", "Attenuation Coefficient")
MEAN = CodedConcept("373098007", "SCT", "Mean")
IMAGE_QUALITY = CodedConcept("111101", "DCM", "Image Quality")
CUT = private("cut-by-field-of-view", "Cut by the field of view")
BURNT_IN_TEXT = private("burnt-in-text", "Burnt-in text")
POINT = OperatingPoint(name="default", threshold=0.5, sensitivity=0.93, specificity=0.88)

DEVICE = DeviceIdentity(
    manufacturer="Appliance Project",
    model_name="Inference Appliance",
    serial_number="NODE-1",
    software_version="0.1.0",
    station_name="NODE1",
    institution_name="Klinik Süd",
)


def package(results: tuple[str, ...] = ("SEG", "SR"), kind: InputKind = InputKind.VOLUME) -> ModelPackage:
    """A package that was never loaded: only what results say of it."""
    return ModelPackage(
        name="ct-liver",
        version="1.2.0",
        title="CT liver",
        manufacturer="Model Makers",
        licence="Apache-2.0",
        intended_use="Tests",
        status=Status.INVESTIGATIONAL,
        role=Role.ANALYSIS,
        input_kind=kind,
        selection=SeriesCriteria(required=()),
        stages=(),
        family="segmentation",
        results=results,
        files={"model": ModelFile(path="model.onnx", sha256="ab" * 32)},
        operating_points=(POINT,),
        udi="(01)00850000000000(10)A1",
        manifest_sha256="cd" * 32,
    )


def workitem_for(images: SeriesImages, name: str = "analysis") -> Workitem:
    """A workitem on the series of `images`."""
    header = images.headers[0]
    study, series = StudyInstanceUID(str(header.StudyInstanceUID)), SeriesInstanceUID(str(header.SeriesInstanceUID))
    return Workitem(
        uid=WorkitemUID(derived_uid("test-workitem", study, series, name)),
        study_instance_uid=study,
        series_instance_uid=series,
        package="ct-liver",
        version="1.2.0",
        sop_instance_uids=(),
        created_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    )


def segment(mask: Mask, number: int = 1, name: str = "Liver", code: CodedConcept = LIVER, source: int = 0) -> Segment:
    """A segment of `mask`."""
    return Segment(
        number=number,
        label=name,
        category=ANATOMY,
        property_type=code,
        colour=(221, 130, 101),
        mask=mask,
        source_index=source,
    )


def findings_in_volume(volume: Volume) -> tuple[Finding, ...]:
    """One of everything: a filled segment with numbers and an evaluation, an empty one, a verdict on the series."""
    bright = volume.voxels > 200
    empty = np.zeros_like(bright)
    return (
        segment(bright),
        segment(empty, 2, "Spleen", SPLEEN),
        Measurement(concept=VOLUME, value=int(bright.sum()) * volume.voxel_ml, unit=MILLILITRE, segment=1),
        Measurement(
            concept=ATTENUATION,
            value=float(volume.voxels[bright].mean(dtype=float)) if bright.any() else 0.0,
            unit=HOUNSFIELD_UNIT,
            segment=1,
            derivation=MEAN,
        ),
        Measurement(concept=LONG_AXIS, value=1 / 3, unit=MILLIMETRE, segment=1),
        Evaluation(
            concept=CUT, value=PRESENT, outcome=Outcome.LIMITED, segment=1, explanation="Touches the lowest slice."
        ),
        Evaluation(
            concept=IMAGE_QUALITY, value=NORMAL, outcome=Outcome.NEGATIVE, probability=0.125, operating_point=POINT
        ),
    )


def findings_in_image(image: PlanarImage) -> tuple[Finding, ...]:
    """Two segments with areas, a coded negative, and a region whose text must not get out."""
    left = np.zeros(image.pixels.shape[:2], dtype=bool)
    left[2:5, 3:9] = True
    right = np.zeros_like(left)
    right[6:9, 1:4] = True
    return (
        segment(left),
        segment(right, 2, "Spleen", SPLEEN),
        Measurement(concept=AREA, value=0.72, unit=SQUARE_CENTIMETRE, segment=1),
        Measurement(concept=AREA, value=0.36, unit=SQUARE_CENTIMETRE, segment=2),
        Evaluation(concept=BURNT_IN_TEXT, value=ABSENT, outcome=Outcome.NEGATIVE),
        Region(
            concept=BURNT_IN_TEXT,
            frame=image.frame,
            polygon=((1.0, 1.0), (8.0, 1.0), (8.0, 3.0), (1.0, 3.0)),
            probability=0.97,
            text="SECRET^NAME",
        ),
    )


def analysis_of(images: SeriesImages, findings: tuple[Finding, ...], name: str = "analysis") -> Analysis:
    """The analysis that found them."""
    return Analysis(workitem=workitem_for(images, name), findings=findings)


def stack_images(phantom: Phantom) -> SeriesImages:
    """A CT of `phantom` as the reader gives it, without files: slices ascend along row x column."""
    affine = phantom.affine
    if np.dot(np.cross(affine[:3, 2], affine[:3, 1]), affine[:3, 0]) < 0:
        phantom = phantom.stored(flips=(True, False, False))
    headers = ct_series(phantom)
    for header in headers:
        del header.PixelData
    volume = Volume(
        voxels=phantom.values.astype(np.float32),
        affine=phantom.affine,
        frames=tuple(FrameReference(SOPInstanceUID(h.SOPInstanceUID), str(h.SOPClassUID)) for h in headers),
        frame_of_reference_uid=str(headers[0].FrameOfReferenceUID),
        modality="CT",
        unit=HOUNSFIELD_UNIT,
    )
    return SeriesImages(sources=(volume,), headers=tuple(headers))


def planar_images(count: int = 1) -> SeriesImages:
    """One DX series of `count` small images."""
    sources, headers = [], []
    for index in range(count):
        pixels = np.arange(12 * 16, dtype=np.uint16).reshape(12, 16)
        header = projection(pixels, SOPInstanceUID=derived_uid("test", "planar", str(index)))
        del header.PixelData
        frame = FrameReference(SOPInstanceUID(header.SOPInstanceUID), str(header.SOPClassUID))
        sources.append(
            PlanarImage(
                pixels=pixels.astype(np.float32),
                frame=frame,
                photometric_interpretation="MONOCHROME2",
                modality="DX",
                pixel_spacing_mm=(0.2, 0.2),
                spacing_source="ImagerPixelSpacing",
                patient_orientation=("L", "F"),
            )
        )
        headers.append(header)
    return SeriesImages(sources=tuple(sources), headers=tuple(headers))
