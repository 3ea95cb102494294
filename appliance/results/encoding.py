"""Datasets to Part 10 bytes: dates, character set and file meta are the same on every run."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from io import BytesIO
from typing import TypeVar

from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID

from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.errors import ApplianceError, ResultRefused
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID, WorkitemUID, derived_uid
from appliance.results.source_header import CHARACTER_SET

IMPLEMENTATION_CLASS_UID = UID(derived_uid("implementation", "appliance"))
IMPLEMENTATION_VERSION_NAME = "APPLIANCE_1"


def local_time(moment: datetime, header: Dataset) -> datetime:
    """`moment` on the clock of the study: in the header's Timezone Offset From UTC where it has one, else as it is."""
    offset = str(header.get("TimezoneOffsetFromUTC") or "").strip()
    if moment.tzinfo is None or len(offset) != 5 or not offset[1:].isdigit() or offset[0] not in "+-":
        return moment
    sign = -1 if offset[0] == "-" else 1
    minutes = sign * (int(offset[1:3]) * 60 + int(offset[3:5]))
    return moment.astimezone(timezone(timedelta(minutes=minutes)))


def stamp(dataset: Dataset, moment: datetime) -> None:
    """Every date and time of the object is the time the workitem was created, so that a second run changes nothing."""
    for subject in ("InstanceCreation", "Content", "Series"):
        setattr(dataset, f"{subject}Date", moment.strftime("%Y%m%d"))
        setattr(dataset, f"{subject}Time", moment.strftime("%H%M%S"))


def encode(dataset: Dataset, transfer_syntax: str) -> bytes:
    """`dataset` as a Part 10 file in ISO_IR 192, with our own file meta."""
    dataset.SpecificCharacterSet = CHARACTER_SET
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    dataset.file_meta = meta
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def as_result(
    dataset: Dataset, content: bytes, *, kind: ResultKind, workitem: WorkitemUID, text: str = ""
) -> DicomResult:
    """The finished object with what delivery and the ledger need to know of it."""
    return DicomResult(
        kind=kind,
        workitem_uid=workitem,
        study_instance_uid=StudyInstanceUID(str(dataset.StudyInstanceUID)),
        series_instance_uid=SeriesInstanceUID(str(dataset.SeriesInstanceUID)),
        sop_class_uid=str(dataset.SOPClassUID),
        sop_instance_uid=SOPInstanceUID(str(dataset.SOPInstanceUID)),
        transfer_syntax_uid=str(dataset.file_meta.TransferSyntaxUID),
        description=str(dataset.SeriesDescription),
        content=content,
        text=text,
    )


T = TypeVar("T")


def guarded(step: Callable[[], T]) -> T:
    """What the encoders reject is a refused result; their messages may quote the header, so only the type is kept."""
    try:
        return step()
    except ApplianceError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, NotImplementedError) as error:
        raise ResultRefused(f"the object could not be built or read back ({type(error).__name__})") from error
