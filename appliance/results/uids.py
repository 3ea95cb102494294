"""UIDs and series numbers of results, derived from the workitem: a second run names the same objects."""

import hashlib

from appliance.domain.dicom_result import DeviceIdentity, ResultKind
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, WorkitemUID, derived_uid

_SERIES_NUMBERS = {
    ResultKind.SEG: 9100,
    ResultKind.SR: 9200,
    ResultKind.REPORT: 9300,
    ResultKind.PDF: 9400,
    ResultKind.REJECTION: 9500,
    ResultKind.SUMMARY: 9600,
    ResultKind.REVIEW: 9700,
}


def series_uid(workitem: WorkitemUID, kind: ResultKind, edition: str = "") -> SeriesInstanceUID:
    """Each kind of result of a workitem is a series of its own, as their modalities differ; so is each edition."""
    return SeriesInstanceUID(derived_uid("result-series", workitem, kind, *_of(edition)))


def instance_uid(workitem: WorkitemUID, kind: ResultKind, index: int = 0, edition: str = "") -> SOPInstanceUID:
    """`index` tells several objects of one kind apart (one SEG per planar image), `edition` what says the same to
    another reader.
    """
    return SOPInstanceUID(derived_uid("result-instance", workitem, kind, str(index), *_of(edition)))


def _of(edition: str) -> tuple[str, ...]:
    return (edition,) if edition else ()


def tracking_uid(workitem: WorkitemUID, *parts: str | int) -> str:
    """Tracking Unique Identifier (0062,0021) of one thing that was found; the same in SEG and SR."""
    return derived_uid("tracking", workitem, *(str(part) for part in parts))


def dimension_organization_uid(instance: SOPInstanceUID) -> str:
    """Dimension Organization UID (0020,9164) of a multi-frame result."""
    return derived_uid("dimension-organization", instance)


def device_uid(device: DeviceIdentity) -> str:
    """Device Observer UID (TID 1004): the machine, whatever software version it runs."""
    return derived_uid("device", device.manufacturer, device.model_name, device.serial_number)


def series_number(package: str, kind: ResultKind) -> int:
    """Series Number: in the 9000s, below what modalities use in practice, and different for most packages."""
    spread = int.from_bytes(hashlib.sha256(package.encode()).digest()[:2], "big") % 100
    return _SERIES_NUMBERS[kind] + spread
