"""A narrative to a TID 2000 Basic Diagnostic Imaging Report in Enhanced SR (PS3.3 A.35.2), unverified, preliminary."""

from collections.abc import Sequence

from pydicom import Dataset
from pydicom.uid import EnhancedSRStorage

from appliance.domain.coding import CodedConcept
from appliance.domain.dicom_result import DeviceIdentity, ResultKind
from appliance.domain.finding import Narrative, Sentence
from appliance.domain.model_package import ModelPackage
from appliance.domain.workitem import Workitem
from appliance.results import codes, provenance, uids
from appliance.results.content_items import HAS_CONCEPT_MOD, code, container, text
from appliance.results.encoding import local_time, stamp
from appliance.results.evidence import references, row_of, row_of_document, row_of_result
from appliance.results.measurement_report import uses_private_concepts
from appliance.results.options import ResultOptions
from appliance.results.plain_text import model_text
from appliance.results.reported import Evidence, ReportedAnalysis
from appliance.results.source_header import equipment, patient_and_study
from appliance.results.wording import Wording, marked, wording


def build_report_document(
    narrative: Narrative,
    analyses: Sequence[ReportedAnalysis],
    headers: Sequence[Dataset],
    device: DeviceIdentity,
    workitem: Workitem,
    options: ResultOptions,
) -> Dataset:
    """The SR dataset. Each sentence is a TEXT with what it was INFERRED FROM: numbers, codes, segments and the SR that
    holds them; a sentence without any says so.
    """
    packages = packages_of(analyses)
    dataset = patient_and_study(headers[0])
    dataset.SOPClassUID = EnhancedSRStorage
    dataset.SOPInstanceUID = uids.instance_uid(workitem.uid, ResultKind.REPORT, edition=options.document_edition)
    dataset.SeriesInstanceUID = uids.series_uid(workitem.uid, ResultKind.REPORT, options.document_edition)
    dataset.Modality, dataset.InstanceNumber = "SR", 1
    dataset.SeriesNumber = uids.series_number(workitem.package, ResultKind.REPORT)
    dataset.SeriesDescription = provenance.series_description(narrative.title)
    dataset.CompletionFlag, dataset.VerificationFlag = "PARTIAL", "UNVERIFIED"
    dataset.PreliminaryFlag = "PRELIMINARY"
    dataset.ReferencedPerformedProcedureStepSequence = []
    dataset.PerformedProcedureCodeSequence = []
    _add_content(dataset, narrative, Evidence(analyses), packages, device)
    results = (row_of_result(result) for item in analyses for result in item.results)
    dataset.CurrentRequestedProcedureEvidenceSequence = references([*map(row_of, headers), *results])
    if options.predecessors:
        dataset.PredecessorDocumentsSequence = references(map(row_of_document, options.predecessors))
    finish_document(dataset, headers[0], device, packages, workitem)
    return dataset


def finish_document(
    dataset: Dataset, header: Dataset, device: DeviceIdentity, packages: tuple[ModelPackage, ...], workitem: Workitem
) -> None:
    """What every document of ours has: equipment, contributors, private scheme, times."""
    moment = local_time(workitem.created_at, header)
    provenance.add_equipment(dataset, device)
    dataset.ContributingEquipmentSequence = provenance.contributing_equipment(
        equipment(header), device, packages, moment
    )
    if uses_private_concepts(dataset):
        dataset.CodingSchemeIdentificationSequence = [codes.private_scheme()]
    stamp(dataset, moment)


def packages_of(analyses: Sequence[ReportedAnalysis]) -> tuple[ModelPackage, ...]:
    """Each package version once, in order."""
    return tuple({item.package.identity: item.package for item in analyses}.values())


def _add_content(
    dataset: Dataset,
    narrative: Narrative,
    evidence: Evidence,
    packages: Sequence[ModelPackage],
    device: DeviceIdentity,
) -> None:
    words = wording(narrative.language)
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = [codes.concept(codes.DIAGNOSTIC_IMAGING_REPORT)]
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2000"
    dataset.ContentTemplateSequence = [template]
    dataset.ContentSequence = [
        code(codes.LANGUAGE_OF_CONTENT, codes.language(narrative.language), HAS_CONCEPT_MOD),
        *provenance.observation_context(device),
        container(codes.CURRENT_PROCEDURE_DESCRIPTIONS, _procedure(words, packages)),
        container(codes.FINDINGS, _sentences(codes.FINDING, narrative.findings, evidence, words)),
        container(codes.IMPRESSIONS, _sentences(codes.IMPRESSION, narrative.impression, evidence, words)),
    ]


def _procedure(words: Wording, packages: Sequence[ModelPackage]) -> list[Dataset]:
    lines = [words.draft, *(f"{words.analysed_with}: {model_text(package, words)}." for package in packages)]
    return [text(codes.CURRENT_PROCEDURE_DESCRIPTION, line) for line in lines]


def _sentences(name: CodedConcept, sentences: Sequence[Sentence], evidence: Evidence, words: Wording) -> list[Dataset]:
    items = []
    for sentence in sentences:
        support = evidence.of(sentence)
        items.append(text(name, marked(sentence.text, has_evidence=bool(support), words=words), support))
    return items or [text(name, words.nothing_reported)]
