"""What every way of sending has in common: parcels in, one answer for each out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from appliance.domain.errors import ApplianceError, DestinationRefused, DestinationUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """An object to send."""

    file: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


class Outcome(StrEnum):
    """What became of a parcel. POSTPONED: it was not even tried."""

    ACCEPTED = "accepted"
    POSTPONED = "postponed"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Answer:
    """The destination's word on one parcel. `code` and `detail` are empty for a plain success, and kept for a warning:
    a DICOM status as four hexadecimal digits, or an error code of ours.
    """

    outcome: Outcome
    code: str = ""
    detail: str = ""


class Sender(Protocol):
    """A way to one destination.

    Sending an object that is there already is success. Nothing is raised for what the destination does or fails to do.
    """

    def send(self, parcels: Sequence[Parcel]) -> Iterator[Answer]:
        """Send in order and yield one answer per parcel, each as soon as it is known."""
        ...


ACCEPTED = Answer(Outcome.ACCEPTED)


def unavailable(detail: str) -> Answer:
    """No answer, or one that says to come back later."""
    return Answer(Outcome.UNAVAILABLE, DestinationUnavailable.code, detail)


def postponed(detail: str, error: type[ApplianceError]) -> Answer:
    """Not tried now, for a reason of ours."""
    return Answer(Outcome.POSTPONED, error.code, detail)


def refused(detail: str, error: type[ApplianceError] = DestinationRefused) -> Answer:
    """The destination will not take the object, however often it is offered."""
    return Answer(Outcome.REFUSED, error.code, detail)
