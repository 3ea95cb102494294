"""What a destination accepts is what it said to every presentation context."""

from dataclasses import replace

import pytest

from appliance.delivery.destinations import Destination, Protocol
from appliance.delivery.probe import LABEL_MAP, SEGMENTATION, probe, readable
from appliance.domain.errors import DestinationUnavailable, UsageError
from tests.helpers.pacs import EVERYTHING, connection_refused, scripted_pacs
from tests.helpers.services import free_port

IMPLICIT, EXPLICIT, RLE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"


def test_every_class_has_the_syntaxes_that_are_accepted_for_it() -> None:
    with scripted_pacs(classes=(SEGMENTATION,), syntaxes=(EXPLICIT, RLE)) as pacs:
        accepted = probe(pacs.destination)
    assert accepted[SEGMENTATION] == (EXPLICIT, RLE)
    assert accepted[LABEL_MAP] == ()


def test_a_label_map_that_is_accepted_is_seen() -> None:
    with scripted_pacs(classes=(*EVERYTHING, LABEL_MAP)) as pacs:
        assert set(probe(pacs.destination)[LABEL_MAP]) == {EXPLICIT, IMPLICIT, RLE}


def test_nothing_is_stored() -> None:
    with scripted_pacs() as pacs:
        probe(pacs.destination)
        assert pacs.received == 0


@connection_refused
def test_nobody_there_is_not_taken_for_one_who_accepts_nothing() -> None:
    place = Destination(name="pacs", kind=Protocol.DIMSE, host="127.0.0.1", port=free_port(), aet="PACS")
    with pytest.raises(DestinationUnavailable, match="no connection"):
        probe(place)


def test_a_rejected_association_is_named_as_such() -> None:
    with scripted_pacs() as pacs:
        pacs.accept_from("SOMEBODY")
        with pytest.raises(DestinationUnavailable, match="rejected"):
            probe(replace(pacs.destination, calling_aet="APPLIANCE"))


def test_a_web_service_negotiates_nothing() -> None:
    with pytest.raises(UsageError):
        probe(Destination(name="web", kind=Protocol.STOW, url="http://pacs/dicom-web"))


def test_classes_are_shown_by_name() -> None:
    assert readable({LABEL_MAP: (EXPLICIT,), SEGMENTATION: ()}) == {
        "Label Map Segmentation Storage": 1,
        "Segmentation Storage": 0,
    }
