"""Does a destination show what it accepted? C-FIND (PS3.4 annex C) or QIDO-RS (PS3.18 10.6) by SOP Instance UID."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import requests
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from appliance.delivery.association import EVENT_HANDLERS, absence
from appliance.delivery.destinations import Destination
from appliance.delivery.dimse import tls_arguments
from appliance.delivery.stow import web_session
from appliance.domain.errors import DestinationUnavailable

_TIMEOUT_S = 30.0
_PENDING = frozenset({0xFF00, 0xFF01})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """An object to look for, with the study and series that it should be shown in."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


class Finder(Protocol):
    """A way to ask one destination."""

    def visible(self, objects: Sequence[Sought]) -> frozenset[str]:
        """The SOP Instance UIDs of those objects that it shows. Raises DestinationUnavailable."""
        ...


def finder_for(place: Destination) -> Finder | None:
    """The way that the settings of a destination offer; None if they offer none."""
    if place.qido_url:
        return QidoFinder(place)
    return DimseFinder(place) if place.query_port else None


class DimseFinder:
    """A query SCU: one association for all objects, one C-FIND each."""

    def __init__(self, place: Destination, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._place = place
        self._entity = AE(ae_title=place.calling_aet)
        self._entity.connection_timeout = 5.0
        self._entity.acse_timeout = self._entity.dimse_timeout = self._entity.network_timeout = timeout_s
        self._entity.add_requested_context(StudyRootQueryRetrieveInformationModelFind)

    def visible(self, objects: Sequence[Sought]) -> frozenset[str]:
        """See `Finder`."""
        place = self._place
        association = self._entity.associate(
            place.host,
            place.query_port,
            ae_title=place.query_aet or place.aet,
            tls_args=tls_arguments(place),
            evt_handlers=EVENT_HANDLERS,
        )
        if not association.is_established:
            raise DestinationUnavailable(f"{absence(association)} (for a query)", where=place.name)
        try:
            return frozenset(item.sop_instance_uid for item in objects if self._is_there(association, item))
        finally:
            association.release()

    def _is_there(self, association: "AE", item: Sought) -> bool:
        query = Dataset()
        query.QueryRetrieveLevel = "IMAGE"
        query.StudyInstanceUID = item.study_instance_uid
        query.SeriesInstanceUID = item.series_instance_uid
        query.SOPInstanceUID = item.sop_instance_uid
        found = False
        try:
            for status, identifier in association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind):
                code = status.get("Status")
                if code in _PENDING:
                    # some answer with whatever is in the series, whatever was asked for
                    found |= identifier is not None and identifier.get("SOPInstanceUID") == item.sop_instance_uid
                elif code != 0:
                    said = "no answer" if code is None else f"status {code:04X}"
                    raise DestinationUnavailable(f"{said} to a query", where=self._place.name)
        except RuntimeError as error:  # the association has ended
            raise DestinationUnavailable("the association for a query ended", where=self._place.name) from error
        return found


class QidoFinder:
    """A QIDO-RS user agent: one search for instances each."""

    def __init__(self, place: Destination, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._place = place
        self._timeout = (5.0, timeout_s)

    def visible(self, objects: Sequence[Sought]) -> frozenset[str]:
        """See `Finder`."""
        with web_session(self._place) as session:
            return frozenset(item.sop_instance_uid for item in objects if self._is_there(session, item))

    def _is_there(self, session: requests.Session, item: Sought) -> bool:
        url = f"{self._place.qido_url}/studies/{item.study_instance_uid}/series/{item.series_instance_uid}/instances"
        try:
            answer = session.get(
                url,
                params={"SOPInstanceUID": item.sop_instance_uid},
                headers={"Accept": "application/dicom+json"},
                timeout=self._timeout,
            )
            # a service may answer 404 where the study or the series is not there
            if answer.status_code in {requests.codes.no_content, requests.codes.not_found}:
                return False
            if not answer.ok:
                raise DestinationUnavailable(f"it answered {answer.status_code} to a query", where=self._place.name)
            return item.sop_instance_uid in {_uid(found) for found in answer.json()}
        except requests.RequestException as error:
            raise DestinationUnavailable(f"no answer ({type(error).__name__})", where=self._place.name) from error


def _uid(found: dict[str, dict[str, list[str]]]) -> str:
    return next(iter(found.get("00080018", {}).get("Value", ())), "")
