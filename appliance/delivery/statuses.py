"""Status codes of C-STORE (PS3.4 table B.2-1, PS3.7 annex C) and STOW-RS (PS3.18 10.5.3) as answers."""

from appliance.delivery.sender import ACCEPTED, Answer, Outcome
from appliance.domain.errors import DestinationUnavailable

SUCCESS = 0x0000
DUPLICATE_SOP_INSTANCE = 0x0111

_MEANINGS = {
    0x0110: "processing failure",
    DUPLICATE_SOP_INSTANCE: "the object is there already",
    0x0117: "invalid SOP Instance UID",
    0x0122: "SOP class not supported",
    0x0124: "not authorised",
    0x0213: "resource limitation",
    0xB000: "elements were coerced",
    0xB006: "elements were discarded",
    0xB007: "the data set does not match its SOP class",
}
_TEMPORARY = frozenset({0x0110, 0x0124, 0x0213})
_WARNINGS = frozenset({DUPLICATE_SOP_INSTANCE, 0xB000, 0xB006, 0xB007})

_TEMPORARY_HTTP = frozenset({401, 403, 404, 407, 408, 425, 429})
"""Besides 5xx: what an administrator or a moment can mend without a change of the object."""


def from_dicom_status(status: int) -> Answer:
    """What a C-STORE response, or a Failure or Warning Reason of STOW-RS, says about the object."""
    if status == SUCCESS:
        return ACCEPTED
    code, meaning = f"{status:04X}", _meaning(status)
    if status in _WARNINGS:
        return Answer(Outcome.ACCEPTED, code, meaning)
    temporary = status in _TEMPORARY or status >> 8 == 0xA7
    return Answer(Outcome.UNAVAILABLE if temporary else Outcome.REFUSED, code, meaning)


def from_http_status(status: int) -> Answer:
    """What an HTTP error without a usable body says."""
    detail = f"HTTP {status}"
    if status in _TEMPORARY_HTTP or status >= 500:
        return Answer(Outcome.UNAVAILABLE, DestinationUnavailable.code, detail)
    return Answer(Outcome.REFUSED, f"HTTP-{status}", detail)


def _meaning(status: int) -> str:
    if status in _MEANINGS:
        return _MEANINGS[status]
    if status >> 12 == 0xC:
        return "cannot understand"
    return {0xA7: "out of resources", 0xA9: "the data set does not match its SOP class"}.get(
        status >> 8, "unknown status"
    )
