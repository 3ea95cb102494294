"""The gate for what we read ourselves: folders, archives, and what Orthanc gives us."""

from pathlib import Path

from appliance.domain.errors import KeptOut
from appliance.gate.inspection import inspect_file
from appliance.gate.limits import Limits
from appliance.gate.reasons import Refused

_ERRORS = {error.code: error for error in KeptOut.__subclasses__()}


def admit(path: Path, limits: Limits) -> None:
    """Look at the raw elements of a file before any library parses it. Raises a subclass of KeptOut."""
    try:
        inspect_file(path, limits)
    except Refused as refusal:
        raise kept_out(refusal) from None


def kept_out(refusal: Refused) -> KeptOut:
    """The error of the tree for what the gate said."""
    return _ERRORS[refusal.reason.value](refusal.detail)
