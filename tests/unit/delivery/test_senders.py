"""Every protocol has its sender."""

from pathlib import Path

import pytest

from appliance.delivery.destinations import Destination, Protocol
from appliance.delivery.dimse import DimseSender
from appliance.delivery.orthanc import OrthancSender
from appliance.delivery.senders import sender_for
from appliance.delivery.stow import StowSender


class Node:
    def store(self, file: Path) -> str:
        return file.name


@pytest.mark.parametrize(
    ("kind", "way"), [(Protocol.ORTHANC, OrthancSender), (Protocol.DIMSE, DimseSender), (Protocol.STOW, StowSender)]
)
def test_a_protocol_leads_to_its_sender(kind: Protocol, way: type) -> None:
    assert isinstance(sender_for(Destination(name="there", kind=kind), Node()), way)


def test_no_protocol_is_without_a_sender() -> None:
    for kind in Protocol:
        assert sender_for(Destination(name="there", kind=kind), Node())
