"""Findings of one analysis to a TID 1500 Measurement Report in Comprehensive 3D SR (PS3.3 A.35.13)."""

from collections.abc import Sequence

from highdicom.sr import Comprehensive3DSR, LanguageOfContentItemAndDescendants, MeasurementReport
from pydicom import Dataset

from appliance.domain.coding import PRIVATE_SCHEME
from appliance.domain.dicom_result import DeviceIdentity, ResultKind
from appliance.domain.image import PlanarImage, SeriesImages
from appliance.domain.model_package import ModelPackage
from appliance.domain.workitem import Workitem
from appliance.results import provenance, uids
from appliance.results.codes import (
    IMAGING_MEASUREMENTS,
    MEASUREMENT_REPORT,
    PROCEDURES,
    UNSPECIFIED_PROCEDURE,
    code_of,
    concept,
    language,
    private_scheme,
)
from appliance.results.encoding import local_time, stamp
from appliance.results.evidence import references, row_of, row_of_document
from appliance.results.grouping import FindingGroup
from appliance.results.image_library import image_library
from appliance.results.measurement_groups import measurement_group
from appliance.results.options import ResultOptions
from appliance.results.segmentation import SegmentationObject
from appliance.results.source_header import CHARACTER_SET, equipment, patient_and_study, unnamed


def build_measurement_report(
    groups: Sequence[FindingGroup],
    workitem: Workitem,
    images: SeriesImages,
    package: ModelPackage,
    device: DeviceIdentity,
    segmentations: Sequence[SegmentationObject],
    options: ResultOptions,
) -> Dataset:
    """The SR dataset, unverified and preliminary; English, as its coded meanings are."""
    stored = {(item.source_index, number): item for item in segmentations for number in item.numbers}
    content = MeasurementReport(
        observation_context=provenance.observation_context(device),
        procedure_reported=concept(PROCEDURES.get(images.sources[0].modality, UNSPECIFIED_PROCEDURE)),
        imaging_measurements=[measurement_group(group, images, package, stored) for group in groups],
        title=concept(MEASUREMENT_REPORT),
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(concept(language("en"))),
    )
    moment = local_time(workitem.created_at, images.headers[0])
    dataset = Comprehensive3DSR(
        evidence=[*_cited(images), *(item.dataset for item in segmentations)],
        content=content[0],
        series_instance_uid=uids.series_uid(workitem.uid, ResultKind.SR, options.document_edition),
        series_number=uids.series_number(package.name, ResultKind.SR),
        sop_instance_uid=uids.instance_uid(workitem.uid, ResultKind.SR, edition=options.document_edition),
        instance_number=1,
        manufacturer=device.manufacturer,
        is_complete=True,
        specific_character_set=CHARACTER_SET,
        series_description=provenance.series_description(package.title, "SR"),
    )
    dataset.update(patient_and_study(images.headers[0]))
    _insert_library(dataset, images)
    evidence = [*images.headers, *(item.dataset for item in segmentations)]
    dataset.CurrentRequestedProcedureEvidenceSequence = references(map(row_of, evidence))
    if options.predecessors:
        dataset.PredecessorDocumentsSequence = references(map(row_of_document, options.predecessors))
    provenance.add_equipment(dataset, device)
    dataset.ContributingEquipmentSequence = provenance.contributing_equipment(
        equipment(images.headers[0]), device, (package,), moment
    )
    if uses_private_concepts(dataset):
        dataset.CodingSchemeIdentificationSequence = [private_scheme()]
    stamp(dataset, moment)
    return dataset


def uses_private_concepts(item: Dataset) -> bool:
    """Whether a concept of our own scheme occurs anywhere below `item`."""
    if code_of(item)[1] == PRIVATE_SCHEME:
        return True
    return any(
        uses_private_concepts(child) for element in item if element.VR == "SQ" for child in (element.value or ())
    )


def _insert_library(dataset: Dataset, images: SeriesImages) -> None:
    """Before the measurements, where TID 1500 has it. highdicom's own library demands attributes that many real images
    lack, and takes seconds for a long series.
    """
    items = list(dataset.ContentSequence)
    names = [code_of(item.ConceptNameCodeSequence[0]) for item in items]
    items.insert(names.index((IMAGING_MEASUREMENTS.value, "DCM")), image_library(images.sources))
    dataset.ContentSequence = items


def _cited(images: SeriesImages) -> list[Dataset]:
    """What highdicom must know of the images: those that groups refer to (planar ones), and one to copy from."""
    planar = {source.frame.sop_instance_uid for source in images.sources if isinstance(source, PlanarImage)}
    first, *rest = images.headers
    return [_identified(header) for header in (first, *(h for h in rest if str(h.SOPInstanceUID) in planar))]


def _identified(header: Dataset) -> Dataset:
    item = unnamed(header)
    item.SOPClassUID = str(header.SOPClassUID)
    item.SOPInstanceUID = str(header.SOPInstanceUID)
    item.SeriesInstanceUID = str(header.SeriesInstanceUID)
    return item
