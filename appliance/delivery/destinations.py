"""Destinations: where results go, what each place can read, and which result therefore goes where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.identifiers import SOPInstanceUID

ALL = "*"
"""In a rule or workitem: every destination there is."""
LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"


class Protocol(StrEnum):
    """How a destination is reached."""

    ORTHANC = "orthanc"
    DIMSE = "dimse"
    STOW = "stow"


class SegmentationType(StrEnum):
    """Segmentation Type (0062,0001) that a destination reads."""

    BINARY = "BINARY"
    LABELMAP = "LABELMAP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """DICOM TLS (PS3.15 B.12): whom we trust, and who we are."""

    trusted: Path
    certificate: Path | None = None
    private_key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A place that takes results. DIMSE uses host, port, aet, calling_aet and tls; STOW uses url, user and password."""

    name: str
    kind: Protocol
    host: str = ""
    port: int = 104
    aet: str = ""
    calling_aet: str = "APPLIANCE"
    tls: Tls | None = None
    url: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    accepts: frozenset[ResultKind] = frozenset(ResultKind)
    seg_type: SegmentationType = SegmentationType.BINARY
    language: str = "en"


def addressees(
    results: Sequence[DicomResult], names: Iterable[str], destinations: Iterable[Destination]
) -> Mapping[SOPInstanceUID, tuple[str, ...]]:
    """The destinations of each result of one workitem, of those that `names` asks for.

    A destination gets the kinds it accepts. Where a segmentation exists in both types it gets its own type; where it
    exists in one type only, the destination gets that one if it reads label maps or if that one is none.
    """
    wanted = set(names)
    places = [place for place in destinations if ALL in wanted or place.name in wanted]
    return {
        result.sop_instance_uid: tuple(place.name for place in places if _goes_to(result, results, place))
        for result in results
    }


def _goes_to(result: DicomResult, siblings: Sequence[DicomResult], place: Destination) -> bool:
    if result.kind not in place.accepts:
        return False
    if result.kind is not ResultKind.SEG:
        return True
    types = {_type(sibling) for sibling in siblings if sibling.kind is ResultKind.SEG}
    if place.seg_type in types:
        return _type(result) is place.seg_type
    return place.seg_type is SegmentationType.LABELMAP


def _type(result: DicomResult) -> SegmentationType:
    is_label_map = result.sop_class_uid == LABEL_MAP_SEGMENTATION
    return SegmentationType.LABELMAP if is_label_map else SegmentationType.BINARY
