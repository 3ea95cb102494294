"""Those we exchange objects with: destinations, senders, and who our DICOM port lets in.

A C-ECHO (PS3.4 annex A) from us to them can be made here. One from them to us cannot be forced; what can be tried from
this machine is whether the port lets in exactly whom the settings name, by AE title and address.
"""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from pynetdicom import AE

from appliance.bootstrap import Appliance
from appliance.delivery.association import EVENT_HANDLERS
from appliance.delivery.echo import VERIFICATION_SOP_CLASS
from appliance.domain.errors import ApplianceError
from appliance.node.health.check import Line, ask, failed, ok, warning
from appliance.node.orthanc_config import address_of
from appliance.node.system import listens
from appliance.settings import LOOPBACK, DestinationSettings, Modality, Settings
from appliance.store.statistics import Statistics

STRANGER = "NOT-LISTED-ANYW"
_TIMEOUT_S = 5.0
_LONG_AGO_DAYS = 7


def destinations(node: Appliance) -> Iterator[Line]:
    """Each destination answers us."""
    for place in node.settings.destinations:
        try:
            node.echo(place.name)
            yield ok(f"to {place.name}", f"answers at {_place(place)}")
        except ApplianceError as error:
            yield failed(f"to {place.name}", f"{error.what} ({_place(place)})", _how(place, node.settings))


def _place(place: DestinationSettings) -> str:
    return place.url if place.kind == "stow" else f"{place.aet}, {place.host}:{place.port}"


def _how(place: DestinationSettings, settings: Settings) -> str:
    if place.kind == "stow":
        return "Check url, user and password_file, and that the server allows this machine."
    return (
        f"Check host, port and AE title, the firewall, and that the PACS knows {settings.dicom.aet} from this machine."
    )


def senders(settings: Settings, node: Appliance) -> Iterator[Line]:
    """Who may send: whether they have, and otherwise how to try it from there."""
    heard = Statistics(node.ledger).last_received()
    for sender in settings.dicom.modalities:
        part, last = f"from {sender.aet}", heard.get(sender.aet)
        how = f"There, make a C-ECHO to {settings.dicom.aet}, this machine's address, port {settings.dicom.port}."
        if last is None:
            yield ask(part, f"{sender.host}: has sent nothing yet", how)
        elif (datetime.now(UTC) - last).days > _LONG_AGO_DAYS:
            yield ask(part, f"{sender.host}: sent last on {last:%Y-%m-%d}", how)
        else:
            yield ok(part, f"{sender.host}: sent last at {last:%Y-%m-%d %H:%M} UTC")


def admission(settings: Settings) -> Iterator[Line]:
    """The DICOM port answers an echo from a listed AE title at its own address, and from nobody else."""
    if not listens(settings.orthanc.host, settings.dicom.port):
        return
    if _is_answered(settings, STRANGER):
        do = "Restart the node, so that its own configuration is in force; look for another Orthanc on this port."
        yield failed("DICOM port: strangers", "an AE title that is not listed is answered", do)
    else:
        yield ok("DICOM port: strangers", "an AE title that is not listed is refused")
    for sender in settings.dicom.modalities:
        yield _admitted(settings, sender)


def _admitted(settings: Settings, sender: Modality) -> Line:
    here = address_of(sender.host) == LOOPBACK == settings.orthanc.host
    answered = _is_answered(settings, sender.aet)
    part = f"DICOM port: {sender.aet}"
    if here:
        do = "Restart the node, so that its configuration is that of the settings."
        return ok(part, "answered") if answered else failed(part, "listed at this machine, but refused", do)
    if answered and address_of(sender.host) != LOOPBACK:
        do = "Addresses are not checked: restart the node, so that its own configuration is in force."
        return failed(part, f"listed at {sender.host}, but answered from here", do)
    return ok(part, f"refused from here, as it should: it is listed at {sender.host}")


def _is_answered(settings: Settings, aet: str) -> bool:
    entity = AE(ae_title=aet)
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = _TIMEOUT_S
    entity.add_requested_context(VERIFICATION_SOP_CLASS)
    association = entity.associate(
        settings.orthanc.host,
        settings.dicom.port,
        ae_title=settings.dicom.aet,
        tls_args=_own_tls(settings),
        evt_handlers=EVENT_HANDLERS,
    )
    if not association.is_established:
        return False
    response = association.send_c_echo()
    association.release()
    return getattr(response, "Status", None) == 0


def _own_tls(settings: Settings) -> tuple[ssl.SSLContext, str] | None:
    """Our own port needs no proof of who it is; it may ask for a certificate, and gets the node's."""
    certificate, key = settings.dicom.tls_certificate, settings.dicom.tls_private_key
    if not certificate or not key:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(settings.home / certificate, settings.home / key)
    return context, settings.orthanc.host


def nobody_may_send(settings: Settings) -> Iterator[Line]:
    """A node that lets nobody in receives nothing."""
    if not settings.dicom.modalities:
        yield warning("senders", "nobody may send", "Name the senders, see runbooks/connect-a-pacs.md.")
