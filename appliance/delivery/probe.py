"""What does a destination accept? Its answer to the presentation contexts that we might ever propose."""

from collections.abc import Mapping

from pydicom.uid import RLELossless
from pynetdicom import AE, build_context
from pynetdicom.sop_class import StorageCommitmentPushModel, StudyRootQueryRetrieveInformationModelFind, Verification

from appliance.delivery.association import EVENT_HANDLERS, absence
from appliance.delivery.destinations import Destination, Protocol
from appliance.delivery.dimse import sop_class_name, tls_arguments
from appliance.delivery.tailoring import NATIVE
from appliance.domain.errors import DestinationUnavailable, UsageError

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
STORAGE = (
    SEGMENTATION,
    LABEL_MAP,
    "1.2.840.10008.5.1.4.1.1.88.34",  # Comprehensive 3D SR
    "1.2.840.10008.5.1.4.1.1.88.22",  # Enhanced SR
    "1.2.840.10008.5.1.4.1.1.88.59",  # Key Object Selection, for rejection notes
    "1.2.840.10008.5.1.4.1.1.104.1",  # Encapsulated PDF
    "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
)
SERVICES = (Verification, StudyRootQueryRetrieveInformationModelFind, StorageCommitmentPushModel)
_TIMEOUT_S = 15.0


def probe(place: Destination) -> Mapping[str, tuple[str, ...]]:
    """SOP Class UID -> transfer syntaxes that the destination accepts; an empty tuple: none.

    Raises DestinationUnavailable without an association, UsageError for STOW-RS, which negotiates nothing.
    """
    if place.kind is not Protocol.DIMSE:
        raise UsageError("STOW-RS negotiates nothing; only a store shows what is taken", where=place.name)
    entity = AE(ae_title=place.calling_aet)
    entity.connection_timeout = entity.acse_timeout = entity.network_timeout = _TIMEOUT_S
    proposals = [(uid, str(syntax)) for uid in STORAGE for syntax in (*NATIVE, RLELossless)]
    proposals += [(str(uid), str(syntax)) for uid in SERVICES for syntax in NATIVE]
    association = entity.associate(
        place.host,
        place.port,
        ae_title=place.aet,
        contexts=[build_context(uid, syntax) for uid, syntax in proposals],
        tls_args=tls_arguments(place),
        evt_handlers=EVENT_HANDLERS,
    )
    if not association.is_established and not association.rejected_contexts:
        raise DestinationUnavailable(absence(association), where=place.name)
    accepted = {(str(c.abstract_syntax), str(c.transfer_syntax[0])) for c in association.accepted_contexts}
    if association.is_established:
        association.release()
    return {
        uid: tuple(syntax for asked, syntax in proposals if asked == uid and (uid, syntax) in accepted)
        for uid in dict.fromkeys(uid for uid, _ in proposals)
    }


def readable(accepted: Mapping[str, tuple[str, ...]]) -> Mapping[str, int]:
    """Name of each class -> number of transfer syntaxes accepted for it."""
    return {sop_class_name(uid): len(syntaxes) for uid, syntaxes in accepted.items()}
