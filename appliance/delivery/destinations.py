"""Destinations: where results go, and what each place can read."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from appliance.domain.dicom_result import USUAL_KINDS, ResultKind

ALL = "*"
"""In a rule or workitem: every destination there is."""


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
    """A place that takes results. DIMSE uses host, port, aet, calling_aet and tls; STOW uses url, user and password.

    language: of reports; None for that of the workitem. refuse_burnt_in_text: nothing of a study in whose pixels text
    was found goes there. largest_segment_count: a SEG with more segments is split; 0 for no bound. transfer_syntaxes:
    the only ones to send; empty for any. character_set: what text is written in; empty for ISO_IR 192.

    query_port (with query_aet, else aet) or qido_url: where to ask what it shows.
    """

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
    accepts: frozenset[ResultKind] = USUAL_KINDS
    seg_type: SegmentationType = SegmentationType.BINARY
    language: str | None = None
    refuse_burnt_in_text: bool = False
    largest_segment_count: int = 0
    transfer_syntaxes: tuple[str, ...] = ()
    character_set: str = ""
    query_aet: str = ""
    query_port: int = 0
    qido_url: str = ""


def asked_for(names: Iterable[str], destinations: Iterable[Destination]) -> tuple[Destination, ...]:
    """The destinations that a workitem's `names` mean."""
    wanted = set(names)
    return tuple(place for place in destinations if ALL in wanted or place.name in wanted)
