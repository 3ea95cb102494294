"""A rejection note of results that newer ones replace (IHE RAD IOCM; PS3.3 A.35.4, PS3.16 TID 2010).

The title is (113001, DCM, "Rejected for Quality Reasons"): the objects are of the right patient and study, and what is
wrong with them is that they say less than there is. Of the titles that IOCM knows, Rejected for Patient Safety Reasons
(113037) is for objects nobody may ever see, Incorrect Modality Worklist Entry (113038) for images under a wrong order,
and Data Retention Policy Expired (113039) for objects that were right.
"""

from collections.abc import Sequence
from io import BytesIO

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from pydicom import Dataset, dcmread
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian

from appliance.domain.dicom_result import DeviceIdentity, DicomResult, ResultKind
from appliance.domain.errors import ResultRefused
from appliance.domain.workitem import Workitem
from appliance.results import provenance, uids
from appliance.results.encoding import as_result, encode, local_time, stamp
from appliance.results.source_header import CHARACTER_SET, patient_and_study, unnamed

REJECTED_FOR_QUALITY_REASONS = Code("113001", "DCM", "Rejected for Quality Reasons")
SUPERSEDED_BY_MORE_IMAGES = "Superseded: a newer result of the same analysis replaces these objects."


def build_superseded_note(
    rejected: Sequence[DicomResult],
    device: DeviceIdentity,
    workitem: Workitem,
    edition: str,
    why: str = SUPERSEDED_BY_MORE_IMAGES,
) -> DicomResult:
    """The note that rejects `rejected` (at least one, of one study) because `workitem` replaces them, or because of
    what `why` says in a sentence.

    edition: tells notes of one workitem apart that reject different objects. Raises ResultRefused when the note does
    not name exactly what it shall.
    """
    headers = [dcmread(BytesIO(result.content), stop_before_pixels=True) for result in rejected]
    note = KeyObjectSelectionDocument(
        evidence=[_cited(header) for header in headers],
        content=KeyObjectSelection(
            document_title=REJECTED_FOR_QUALITY_REASONS,
            referenced_objects=[_cited(header) for header in headers],
            observer_device_context=provenance.observer_context(device),
            description=why,
        ),
        series_instance_uid=uids.series_uid(workitem.uid, ResultKind.REJECTION, edition),
        series_number=uids.series_number(workitem.package, ResultKind.REJECTION),
        sop_instance_uid=uids.instance_uid(workitem.uid, ResultKind.REJECTION, edition=edition),
        instance_number=1,
        manufacturer=device.manufacturer,
        specific_character_set=CHARACTER_SET,
        series_description=provenance.series_description("Rejection note"),
    )
    note.update(patient_and_study(headers[0]))
    provenance.add_equipment(note, device)
    moment = local_time(workitem.created_at, headers[0])
    note.ContributingEquipmentSequence = provenance.contributing_equipment(Dataset(), device, (), moment)
    stamp(note, moment)
    content = encode(note, ExplicitVRLittleEndian)
    named = _named(dcmread(BytesIO(content)))
    if named != sorted(result.sop_instance_uid for result in rejected):
        raise ResultRefused("the rejection note does not name what it rejects", where=workitem.uid)
    return as_result(note, content, kind=ResultKind.REJECTION, workitem=workitem.uid)


def _cited(header: Dataset) -> Dataset:
    """What a reference needs of an object, without the patient's name."""
    cited = unnamed(header)
    for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Rows", "Columns"):
        if keyword in header:
            setattr(cited, keyword, header[keyword].value)
    return cited


def _named(note: Dataset) -> list[str]:
    items = (item for item in note.ContentSequence if item.ValueType in ("IMAGE", "COMPOSITE"))
    return sorted(str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) for item in items)
