"""Is the destination there, and does it talk to us?"""

import requests
from pynetdicom import AE

from appliance.delivery.association import EVENT_HANDLERS, absence
from appliance.delivery.destinations import Destination, Protocol
from appliance.delivery.dimse import tls_arguments
from appliance.delivery.stow import web_session
from appliance.domain.errors import DestinationUnavailable

VERIFICATION_SOP_CLASS = "1.2.840.10008.1.1"
_TIMEOUT_S = 10.0


def echo(destination: Destination) -> None:
    """C-ECHO (PS3.4 annex A), or a QIDO-RS query for one study. Raises DestinationUnavailable with what was said."""
    if destination.kind is Protocol.STOW:
        _query(destination)
    else:
        _verify(destination)


def _verify(place: Destination) -> None:
    entity = AE(ae_title=place.calling_aet)
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = _TIMEOUT_S
    entity.add_requested_context(VERIFICATION_SOP_CLASS)
    association = entity.associate(
        place.host, place.port, ae_title=place.aet, tls_args=tls_arguments(place), evt_handlers=EVENT_HANDLERS
    )
    if not association.is_established:
        raise DestinationUnavailable(absence(association), where=place.name)
    try:
        response = association.send_c_echo()
    finally:
        association.release()
    if getattr(response, "Status", None) != 0:
        raise DestinationUnavailable("it did not answer C-ECHO with success", where=place.name)


def _query(place: Destination) -> None:
    headers = {"Accept": "application/dicom+json"}
    with web_session(place) as session:
        try:
            answer = session.get(f"{place.url}/studies", params={"limit": "1"}, headers=headers, timeout=_TIMEOUT_S)
        except requests.RequestException as error:
            raise DestinationUnavailable(f"no answer ({type(error).__name__})", where=place.name) from error
    if not answer.ok:
        raise DestinationUnavailable(f"it answered {answer.status_code} to a query", where=place.name)
