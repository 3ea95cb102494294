"""A destination tried from end to end with a study that belongs to nobody: store, find, withdraw."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from pathlib import Path

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from appliance.delivery.destinations import Destination
from appliance.delivery.sender import Answer, Outcome, Parcel, Sender
from appliance.delivery.visibility import Finder, Sought
from appliance.domain.dicom_result import MANUFACTURER, MODEL_NAME
from appliance.domain.errors import DestinationUnavailable
from appliance.domain.identifiers import derived_uid
from appliance.results import RETENTION_EXPIRED, build_rejection_note

STUDY_DESCRIPTION = "APPLIANCE DELIVERY TEST"
_SIDE = 64


class Went(StrEnum):
    """How a step went."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was tried, and what came of it."""

    name: str
    went: Went
    detail: str


def try_destination(place: Destination, sender: Sender, finder: Finder | None, moment: datetime) -> Iterator[Step]:
    """Store a synthetic study, find it back, withdraw it by a rejection note, and see whether it is hidden.

    After a step that failed the rest is not tried.
    """
    image = synthetic_image(place.name, moment)
    note = build_rejection_note([image], RETENTION_EXPIRED, MANUFACTURER)
    with tempfile.TemporaryDirectory(prefix="appliance-destination-") as folder:
        stored = _send(sender, image, Path(folder))
        yield _said("store", stored)
        if stored.outcome is not Outcome.ACCEPTED:
            return
        found = _look("find", finder, image, expected=True)
        yield found
        withdrawn = _send(sender, note, Path(folder))
        yield _said("withdraw", withdrawn)
    if withdrawn.outcome is not Outcome.ACCEPTED:
        yield _by_hand(image, "the destination takes no rejection note")
    elif found.went is Went.OK:
        hidden = _look("hidden", finder, image, expected=False)
        yield hidden
        if hidden.went is not Went.OK:
            yield _by_hand(image, "the destination does not act on the rejection note (113039, IHE IOCM)")


def synthetic_image(seed: str, moment: datetime) -> Dataset:
    """A grey ramp of a patient who does not exist; the same seed and moment give the same object."""
    stamp = moment.strftime("%Y%m%d%H%M%S")
    item = Dataset()
    item.SpecificCharacterSet = "ISO_IR 192"
    item.SOPClassUID = SecondaryCaptureImageStorage
    for level in ("SOPInstance", "SeriesInstance", "StudyInstance"):
        setattr(item, f"{level}UID", derived_uid("delivery-test", level, seed, stamp))
    item.PatientName, item.PatientID = "TEST^APPLIANCE", "APPLIANCE-TEST"
    item.PatientBirthDate, item.PatientSex = "", "O"
    item.StudyDate, item.StudyTime = stamp[:8], stamp[8:]
    item.AccessionNumber, item.ReferringPhysicianName, item.StudyID = "", "", "TEST"
    item.StudyDescription = item.SeriesDescription = STUDY_DESCRIPTION
    item.Modality, item.ConversionType = "OT", "SYN"
    item.SeriesNumber, item.InstanceNumber = 1, 1
    item.Laterality = item.PatientOrientation = ""
    item.Manufacturer, item.ManufacturerModelName = MANUFACTURER, MODEL_NAME
    item.Rows = item.Columns = _SIDE
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.BitsAllocated = item.BitsStored = 8
    item.HighBit, item.PixelRepresentation = 7, 0
    item.PixelData = bytes(4 * column for _ in range(_SIDE) for column in range(_SIDE))
    return item


def _send(sender: Sender, dataset: Dataset, folder: Path) -> Answer:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    file = folder / f"{dataset.Modality.lower()}.dcm"
    file.write_bytes(buffer.getvalue())
    (answer,) = sender.send(
        [
            Parcel(
                file=file,
                sop_class_uid=str(dataset.SOPClassUID),
                sop_instance_uid=str(dataset.SOPInstanceUID),
                transfer_syntax_uid=str(ExplicitVRLittleEndian),
            )
        ]
    )
    return answer


def _said(name: str, answer: Answer) -> Step:
    detail = " ".join(part for part in (answer.code, answer.detail) if part)
    if answer.outcome is Outcome.ACCEPTED:
        return Step(name=name, went=Went.WARNING if answer.code else Went.OK, detail=detail or "accepted")
    return Step(name=name, went=Went.FAILED if name == "store" else Went.WARNING, detail=detail)


def _look(name: str, finder: Finder | None, image: Dataset, *, expected: bool) -> Step:
    if finder is None:
        detail = "the settings offer no query (query_port or qido_url): visibility is not checked"
        return Step(name=name, went=Went.SKIPPED, detail=detail)
    sought = Sought(
        study_instance_uid=str(image.StudyInstanceUID),
        series_instance_uid=str(image.SeriesInstanceUID),
        sop_instance_uid=str(image.SOPInstanceUID),
    )
    try:
        visible = bool(finder.visible([sought]))
    except DestinationUnavailable as error:
        return Step(name=name, went=Went.FAILED, detail=error.what)
    went = Went.OK if visible == expected else (Went.FAILED if expected else Went.WARNING)
    return Step(name=name, went=went, detail="it is shown" if visible else "it is not shown")


def _by_hand(image: Dataset, why: str) -> Step:
    detail = f"{why}: remove the study {STUDY_DESCRIPTION} ({image.StudyInstanceUID}) there by hand"
    return Step(name="left over", went=Went.WARNING, detail=detail)
