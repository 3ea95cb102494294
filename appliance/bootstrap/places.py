"""Destinations: from their settings to what delivery knows of them."""

from appliance.delivery.destinations import Destination, Protocol, SegmentationType
from appliance.delivery.probe import LABEL_MAP
from appliance.domain.dicom_result import ResultKind
from appliance.domain.errors import SettingsError
from appliance.settings import DestinationSettings, Settings
from appliance.store.destinations import DestinationState


def destination_of(place: DestinationSettings, settings: Settings) -> Destination:
    """A destination as delivery sees it. Raises SettingsError where its password cannot be read."""
    rejections = {ResultKind.REJECTION} if place.accepts_rejection_notes else set()
    return Destination(
        name=place.name,
        kind=Protocol(place.kind),
        host=place.host,
        port=place.port,
        aet=place.aet,
        calling_aet=settings.dicom.aet,
        url=place.url,
        user=place.user,
        password=_password(place),
        accepts=frozenset(ResultKind(kind) for kind in place.accepts) | rejections,
        seg_type=SegmentationType(place.seg_type),
        language=place.language,
        refuse_burnt_in_text=place.refuse_burnt_in_text,
        largest_segment_count=place.largest_segment_count,
        transfer_syntaxes=place.transfer_syntaxes,
        character_set=place.character_set,
        query_aet=place.query_aet or "",
        query_port=place.query_port or 0,
        qido_url=place.qido_url,
    )


def takes_no_label_map(state: DestinationState | None) -> bool:
    """Whether a probe has shown that it does not."""
    return state is not None and state.accepted is not None and not state.accepted.get(LABEL_MAP)


def _password(place: DestinationSettings) -> str:
    if place.password_file is None:
        return ""
    try:
        return place.password_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError("the password file cannot be read", where=f"destinations.{place.name}") from error
