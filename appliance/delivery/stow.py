"""STOW-RS to a PACS (PS3.18 10.5), one object a request, so that one that is refused takes no other with it."""

from collections.abc import Iterator, Sequence

import requests
from dicomweb_client import DICOMwebClient
from pydicom import Dataset, dcmread
from pydicom.uid import UID

from appliance.delivery.destinations import Destination
from appliance.delivery.sender import ACCEPTED, Answer, Outcome, Parcel, refused, unavailable
from appliance.delivery.statuses import from_dicom_status, from_http_status
from appliance.delivery.tailoring import NATIVE, in_character_set, in_syntax


class StowSender:
    """A STOW-RS user agent for one destination. Our outbox retries, so the client does not."""

    def __init__(self, destination: Destination, *, connect_timeout_s: float = 5.0, timeout_s: float = 60.0) -> None:
        self._destination = destination
        self._timeout = (connect_timeout_s, timeout_s)

    def send(self, parcels: Sequence[Parcel]) -> Iterator[Answer]:
        """Send the parcels one after another; see `Sender`. After a lost connection the rest is not tried."""
        lost: Answer | None = None
        with web_session(self._destination) as session:
            client = DICOMwebClient(self._destination.url, session=session, timeout=self._timeout)
            client.set_http_retry_params(retry=False)
            for parcel in parcels:
                answer = lost or _store(client, parcel, self._destination)
                if answer.outcome is Outcome.UNAVAILABLE:
                    lost = answer
                yield answer


def web_session(destination: Destination) -> requests.Session:
    """Connections to a destination with its login; proxies of the environment are not for a hospital's network."""
    session = requests.Session()
    session.trust_env = False
    if destination.user:
        session.auth = (destination.user, destination.password)
    return session


def _store(client: DICOMwebClient, parcel: Parcel, place: Destination) -> Answer:
    dataset = dcmread(parcel.file)
    if place.transfer_syntaxes and not in_syntax(dataset, place.transfer_syntaxes):
        return refused(f"no transfer syntax of the destination can hold {UID(parcel.transfer_syntax_uid).name}")
    if place.transfer_syntaxes and dataset.file_meta.TransferSyntaxUID not in place.transfer_syntaxes:
        dataset.file_meta.TransferSyntaxUID = next(uid for uid in NATIVE if uid in place.transfer_syntaxes)
    if lost := in_character_set(dataset, place.character_set):
        return lost
    try:
        return _answer(client.store_instances([dataset]))
    except requests.HTTPError as error:
        return unavailable("no answer") if error.response is None else _rejection(error.response)
    except requests.RequestException as error:
        return unavailable(f"no answer ({type(error).__name__})")


def _answer(response: Dataset) -> Answer:
    """The Store Instances Response Module (PS3.18 table I.1-1): failures and warnings come with their reasons."""
    for item in response.get("FailedSOPSequence", ()):
        return from_dicom_status(item.FailureReason)
    for item in response.get("ReferencedSOPSequence", ()):
        if "WarningReason" in item:
            return from_dicom_status(item.WarningReason)
    return ACCEPTED


def _rejection(response: requests.Response) -> Answer:
    """409 carries the same module as a success; what cannot be read as such is judged by its status alone."""
    if response.status_code == requests.codes.conflict:
        try:
            reason = _answer(Dataset.from_json(response.json()))
        except (ValueError, KeyError, TypeError, AttributeError):
            return from_http_status(response.status_code)
        return reason if reason != ACCEPTED else from_http_status(response.status_code)
    return from_http_status(response.status_code)
