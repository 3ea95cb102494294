"""Result objects: encoded DICOM that says what was found."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID, WorkitemUID

MANUFACTURER = "Appliance Founders"
MODEL_NAME = "Clinical Inference Appliance"
"""How every result names its maker and model; by these the appliance knows its own output and never analyses it."""


class ResultKind(StrEnum):
    """Kinds of result object: those that a manifest or a destination can name, the note that rejects them, and the SR
    in which a person answers (REVIEW).
    """

    SEG = "SEG"
    SR = "SR"
    REPORT = "REPORT"
    PDF = "PDF"
    SUMMARY = "SUMMARY"
    REJECTION = "REJECTION"
    REVIEW = "REVIEW"


USUAL_KINDS = frozenset(ResultKind) - {ResultKind.REJECTION, ResultKind.SUMMARY, ResultKind.REVIEW}
"""What a destination gets that names none, and what reports rest on. A summary shows the same once more, as a picture,
to who asks for it by name; a review goes wherever the SR went that it answers.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceIdentity:
    """Who made the results (General Equipment Module, TID 1004, Contributing Equipment)."""

    manufacturer: str
    model_name: str
    serial_number: str
    software_version: str
    station_name: str
    institution_name: str = ""

    def __post_init__(self) -> None:
        if not (self.manufacturer and self.model_name and self.serial_number and self.software_version):
            raise ValueError("a result must name its maker, model, serial number and software version")


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomResult:
    """One result object, encoded as a Part 10 file and already read back and compared.

    text: the readable form (report text, SR as text); it may name the patient's findings and is never logged.
    """

    kind: ResultKind
    workitem_uid: WorkitemUID
    study_instance_uid: StudyInstanceUID
    series_instance_uid: SeriesInstanceUID
    sop_class_uid: str
    sop_instance_uid: SOPInstanceUID
    transfer_syntax_uid: str
    description: str
    content: bytes = field(repr=False)
    text: str = field(default="", repr=False)

    @property
    def sha256(self) -> str:
        """Of the encoded object."""
        return hashlib.sha256(self.content).hexdigest()
