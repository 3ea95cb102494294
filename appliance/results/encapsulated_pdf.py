"""A narrative as Encapsulated PDF (PS3.3 A.45.1), for systems that show no SR."""

from collections.abc import Sequence

from pydicom import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from appliance.domain.dicom_result import DeviceIdentity, ResultKind
from appliance.domain.finding import Narrative
from appliance.domain.workitem import Workitem
from appliance.results import codes, provenance, uids
from appliance.results.encoding import local_time
from appliance.results.options import ResultOptions
from appliance.results.pdf_page import PatientBanner, render
from appliance.results.report_document import finish_document, packages_of
from appliance.results.reported import Evidence, ReportedAnalysis
from appliance.results.source_header import patient_and_study


def build_encapsulated_pdf(
    narrative: Narrative,
    analyses: Sequence[ReportedAnalysis],
    headers: Sequence[Dataset],
    device: DeviceIdentity,
    workitem: Workitem,
    options: ResultOptions,
) -> Dataset:
    """The dataset with the PDF file inside; it names the images it was written from."""
    packages = packages_of(analyses)
    evidence = Evidence(analyses)
    dataset = patient_and_study(headers[0])
    banner = _banner(dataset, device, workitem)
    file = render(narrative, banner, packages, lambda sentence: bool(evidence.of(sentence)))
    dataset.SOPClassUID = EncapsulatedPDFStorage
    dataset.SOPInstanceUID = uids.instance_uid(workitem.uid, ResultKind.PDF, edition=options.document_edition)
    dataset.SeriesInstanceUID = uids.series_uid(workitem.uid, ResultKind.PDF, options.document_edition)
    dataset.Modality, dataset.InstanceNumber, dataset.ConversionType = "DOC", 1, "WSD"
    dataset.SeriesNumber = uids.series_number(workitem.package, ResultKind.PDF)
    dataset.SeriesDescription = provenance.series_description(narrative.title, "PDF")
    dataset.BurnedInAnnotation = "YES"
    dataset.AcquisitionDateTime = ""
    dataset.DocumentTitle = narrative.title
    dataset.VerificationFlag = "UNVERIFIED"
    dataset.ConceptNameCodeSequence = [codes.concept(codes.DIAGNOSTIC_IMAGING_REPORT)]
    dataset.SourceInstanceSequence = [_reference(header) for header in headers]
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocument = file + b"\0" * (len(file) % 2)
    dataset.EncapsulatedDocumentLength = len(file)
    finish_document(dataset, headers[0], device, packages, workitem)
    return dataset


def _banner(header: Dataset, device: DeviceIdentity, workitem: Workitem) -> PatientBanner:
    moment = local_time(workitem.created_at, header)
    return PatientBanner(
        name=_name(str(header.PatientName)),
        patient_id=str(header.PatientID),
        birth_date=_date(str(header.PatientBirthDate)),
        sex=str(header.PatientSex),
        study=str(header.get("StudyDescription") or ""),
        study_date=_date(str(header.StudyDate)),
        accession=str(header.AccessionNumber),
        created=moment.strftime("%Y-%m-%d %H:%M"),
        footer=f"{device.model_name} {device.software_version}",
    )


def _name(name: str) -> str:
    """Family^Given^... of the first representation as "Family, Given ..."."""
    family, _, rest = name.split("=")[0].partition("^")
    given = " ".join(part for part in rest.split("^") if part)
    return f"{family}, {given}" if given else family


def _date(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:8]}" if len(value) == 8 else value


def _reference(header: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = str(header.SOPClassUID)
    item.ReferencedSOPInstanceUID = str(header.SOPInstanceUID)
    return item
