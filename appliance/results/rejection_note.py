"""A rejection note: a Key Object Selection that withdraws objects (IHE IOCM; PS3.3 A.35.4, CID 7011)."""

from collections.abc import Sequence

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from highdicom.sr import CodedConcept
from pydicom import Dataset

from appliance.domain.identifiers import derived_uid

PATIENT_SAFETY = ("113037", "Rejected for Patient Safety Reasons")
RETENTION_EXPIRED = ("113039", "Data Retention Policy Expired")


def build_rejection_note(objects: Sequence[Dataset], title: tuple[str, str], manufacturer: str) -> Dataset:
    """A note that withdraws `objects`, all of one study; who honours it no longer shows them."""
    value, meaning = title
    uids = [str(item.SOPInstanceUID) for item in objects]
    content = KeyObjectSelection(CodedConcept(value, "DCM", meaning), list(objects))
    note = KeyObjectSelectionDocument(
        evidence=list(objects),
        content=content,
        series_instance_uid=derived_uid("rejection-series", value, *uids),
        series_number=9900,
        sop_instance_uid=derived_uid("rejection-instance", value, *uids),
        instance_number=1,
        manufacturer=manufacturer,
    )
    note.SeriesDescription = meaning
    return note
