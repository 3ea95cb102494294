"""C-STORE to a PACS (PS3.4 annex B): one association per batch, warnings kept."""

import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydicom import dcmread
from pydicom.uid import UID
from pynetdicom import AE, build_context

from appliance.delivery.association import EVENT_HANDLERS, absence
from appliance.delivery.destinations import Destination, Tls
from appliance.delivery.sender import Answer, Parcel, refused, unavailable
from appliance.delivery.statuses import from_dicom_status
from appliance.delivery.tailoring import NATIVE, in_character_set, in_syntax

MAXIMUM_PDU = 128 * 1024
_NEWER_NAMES = {"1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation Storage"}
"""Of SOP classes that pydicom does not name yet."""


class DimseSender:
    """A storage SCU for one destination."""

    def __init__(self, destination: Destination, *, connect_timeout_s: float = 5.0, timeout_s: float = 60.0) -> None:
        self._destination = destination
        self._entity = AE(ae_title=destination.calling_aet)
        self._entity.connection_timeout = connect_timeout_s
        self._entity.acse_timeout = timeout_s
        self._entity.dimse_timeout = timeout_s
        self._entity.network_timeout = timeout_s

    def send(self, parcels: Sequence[Parcel]) -> Iterator[Answer]:
        """Send all parcels in one association; see `Sender`. Once it has ended the rest is not tried."""
        ended: Answer | None = None
        with self._association(parcels) as association:
            for parcel in parcels:
                try:
                    answer = ended or _store(association, parcel, self._destination.character_set)
                except _AssociationEnded as reason:
                    answer = ended = unavailable(str(reason))
                yield answer

    @contextmanager
    def _association(self, parcels: Sequence[Parcel]) -> Iterator[Any]:
        place = self._destination
        association = self._entity.associate(
            place.host,
            place.port,
            contexts=_contexts(parcels, place.transfer_syntaxes),
            ae_title=place.aet,
            max_pdu=MAXIMUM_PDU,
            tls_args=tls_arguments(place),
            evt_handlers=EVENT_HANDLERS,
        )
        try:
            yield association
        finally:
            if association.is_established:
                association.release()


class _AssociationEnded(Exception):
    """The peer, the network or a time-out ended the association; pynetdicom may still believe that it is there."""


def _contexts(parcels: Iterable[Parcel], allowed: Sequence[str]) -> list[Any]:
    """One presentation context per SOP class and transfer syntax, so that the peer's choice between them is seen.

    allowed: the only transfer syntaxes that the destination is to be sent; empty: any.
    """
    wanted = dict.fromkeys(
        (parcel.sop_class_uid, str(syntax))
        for parcel in parcels
        for syntax in (parcel.transfer_syntax_uid, *NATIVE)
        if not allowed or syntax in allowed
    )
    return [build_context(sop_class, syntax) for sop_class, syntax in wanted]


def tls_arguments(place: Destination) -> tuple[ssl.SSLContext, str] | None:
    """What pynetdicom wants for DICOM TLS to `place`; None for a plain connection."""
    return (_tls_context(place.tls), place.host) if place.tls else None


def _tls_context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.trusted))
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.private_key)
    return context


def _store(association: Any, parcel: Parcel, character_set: str) -> Answer:
    if not association.is_established and not _nothing_fits(association):
        raise _AssociationEnded(absence(association))
    accepted = {
        UID(context.transfer_syntax[0])
        for context in association.accepted_contexts
        if context.abstract_syntax == parcel.sop_class_uid
    }
    if not accepted:
        return refused(f"no presentation context for the SOP class {sop_class_name(parcel.sop_class_uid)}")
    dataset = dcmread(parcel.file)
    if not in_syntax(dataset, accepted):
        return refused(f"no presentation context for {UID(parcel.transfer_syntax_uid).name}")
    if lost := in_character_set(dataset, character_set):
        return lost
    try:
        response = association.send_c_store(dataset)
    except RuntimeError as error:  # it ended since we looked
        raise _AssociationEnded(absence(association)) from error
    if "Status" not in response:
        raise _AssociationEnded("the association ended without an answer")
    return from_dicom_status(response.Status)


def sop_class_name(uid: str) -> str:
    """The name of a SOP class (PS3.6 table A-1), or its UID where it has none."""
    return _NEWER_NAMES.get(uid) or UID(uid).name


def _nothing_fits(association: Any) -> bool:
    """The peer was there and accepted no presentation context at all; pynetdicom then ends the association itself."""
    return bool(association.rejected_contexts) and not association.accepted_contexts
