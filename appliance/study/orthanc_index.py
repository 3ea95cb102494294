"""What Orthanc says of itself, as values: lines of its change feed, how it came by an instance, files fetched."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of Orthanc's change feed."""

    sequence: int
    kind: str
    orthanc_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A page of the change feed; `last` is where to go on, `done` tells that nothing follows yet."""

    changes: tuple[Change, ...]
    last: int
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """How Orthanc came by an instance; `received` is in its own notation."""

    received: str
    calling_aet: str
    called_aet: str
    sender_address: str = ""

    @property
    def received_at(self) -> datetime | None:
        """By Orthanc's clock (see `OrthancClient.now`), to the second; None where it says nothing that is a moment."""
        return moment(self.received)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file that was fetched."""

    sha256: str
    size: int


def moment(text: str) -> datetime | None:
    """A time in Orthanc's notation: UTC, to the second; None for what is none."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def reception(metadata: Mapping[str, str]) -> Reception:
    """From the metadata that Orthanc keeps of an instance."""
    return Reception(
        received=metadata.get("ReceptionDate", ""),
        calling_aet=metadata.get("RemoteAET", ""),
        called_aet=metadata.get("CalledAET", ""),
        sender_address=metadata.get("RemoteIP", ""),
    )
