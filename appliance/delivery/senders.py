"""The sender of each destination."""

from appliance.delivery.destinations import Destination, Protocol
from appliance.delivery.dimse import DimseSender
from appliance.delivery.orthanc import Node, OrthancSender
from appliance.delivery.sender import Sender
from appliance.delivery.stow import StowSender


def sender_for(destination: Destination, node: Node) -> Sender:
    """A way to `destination`; `node` is the Orthanc that the protocol of that name means."""
    match destination.kind:
        case Protocol.ORTHANC:
            return OrthancSender(node)
        case Protocol.DIMSE:
            return DimseSender(destination)
        case Protocol.STOW:
            return StowSender(destination)
