"""Into the node's own Orthanc, where viewers find the results first."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from appliance.delivery.sender import ACCEPTED, Answer, Parcel, refused, unavailable
from appliance.domain.errors import ApplianceError, DestinationRefused


class Node(Protocol):
    """What delivery asks of Orthanc; `study.orthanc.OrthancClient` is one."""

    def store(self, file: Path) -> str:
        """Store an object, and return Orthanc's id. Raises DestinationRefused or OrthancUnavailable."""
        ...


class OrthancSender:
    """Storing in the node by its REST interface."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def send(self, parcels: Sequence[Parcel]) -> Iterator[Answer]:
        """Send the parcels one after another; see `Sender`."""
        for parcel in parcels:
            yield self._store(parcel)

    def _store(self, parcel: Parcel) -> Answer:
        try:
            self._node.store(parcel.file)
        except DestinationRefused as error:
            return refused(error.what, type(error))
        except ApplianceError as error:
            return unavailable(error.what)
        return ACCEPTED
