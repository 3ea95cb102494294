"""Is it there, and does it talk to us?"""

from dataclasses import replace

import pytest

from appliance.delivery.destinations import Destination, Protocol
from appliance.delivery.echo import echo
from appliance.domain.errors import DestinationUnavailable
from tests.helpers.pacs import connection_refused, scripted_pacs, scripted_web
from tests.helpers.services import free_port


def test_a_pacs_that_answers_c_echo_is_there() -> None:
    with scripted_pacs() as pacs:
        echo(pacs.destination)


def test_a_service_that_answers_a_query_is_there() -> None:
    with scripted_web() as web:
        echo(web.destination)


@connection_refused
def test_a_pacs_that_is_down_is_named() -> None:
    place = Destination(name="pacs", kind=Protocol.DIMSE, host="127.0.0.1", port=free_port(), aet="PACS")
    with pytest.raises(DestinationUnavailable, match="no connection") as caught:
        echo(place)
    assert caught.value.where == "pacs"


def test_a_service_that_is_down_is_named() -> None:
    place = Destination(name="web", kind=Protocol.STOW, url=f"http://127.0.0.1:{free_port()}/dicom-web")
    with pytest.raises(DestinationUnavailable, match="no answer") as caught:
        echo(place)
    assert caught.value.where == "web"


def test_a_rejected_association_is_told_from_no_answer() -> None:
    with scripted_pacs() as pacs:
        pacs.accept_from("SOMEBODY")
        with pytest.raises(DestinationUnavailable, match="rejected"):
            echo(replace(pacs.destination, calling_aet="APPLIANCE"))
