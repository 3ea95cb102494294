"""What a STOW-RS request is answered: PS3.18 10.5.3 and annex I.2.2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset

from appliance.domain import errors
from appliance.services.quarantine import Uploaded

MEDIA_TYPE = "application/dicom+json"
COERCION = 0xB000
"""The object was modified when it was stored: its foreign preamble was zeroed."""
_CANNOT_UNDERSTAND, _OUT_OF_RESOURCES, _PROCESSING_FAILURE = 0xC000, 0xA700, 0x0110
_REASONS: Mapping[type[errors.ApplianceError], int] = {
    errors.TransientError: _OUT_OF_RESOURCES,
    errors.ObjectTooLarge: _OUT_OF_RESOURCES,
    errors.ImageTooLarge: _OUT_OF_RESOURCES,
    errors.TooManyElements: _OUT_OF_RESOURCES,
    errors.UidMissing: 0xA900,  # PS3.4 table B.2-1: the data set does not match its SOP class
    errors.UidInvalid: 0xA900,
    errors.StudyContradicted: 0xA901,  # of the same family, as other archives answer it
    errors.TransferSyntaxUnknown: 0xC122,
    errors.DestinationConflict: 0x0111,  # PS3.7 C.5.4: duplicate SOP instance
    errors.GateDefect: _PROCESSING_FAILURE,
    errors.KeptOut: _CANNOT_UNDERSTAND,
    errors.DestinationRefused: _CANNOT_UNDERSTAND,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StowAnswer:
    """Status and content (PS3.18 annex F) of the response."""

    status: int
    content: Mapping[str, Any]


def failure_reason(refusal: errors.ApplianceError) -> int:
    """The Failure Reason (0008,1197) for an error of the tree."""
    return next((_REASONS[kind] for kind in type(refusal).__mro__ if kind in _REASONS), _PROCESSING_FAILURE)


def stow_answer(uploaded: Sequence[Uploaded]) -> StowAnswer:
    """200 where everything was stored as it came, 202 where some of it was or it was modified, 409 where none was.

    Objects whose UIDs could not be read are told under Other Failures, which asks for none. Retrieve URLs are
    empty: who may store need not be one who may read.
    """
    stored = [each for each in uploaded if each.refusal is None]
    failed = [each for each in uploaded if each.refusal is not None]
    content = Dataset()
    content.RetrieveURL = None
    if stored:
        content.ReferencedSOPSequence = [_stored(each) for each in stored]
    named = [_failed(each) for each in failed if each.sop_class and each.sop_instance]
    nameless = [_failed(each) for each in failed if not (each.sop_class and each.sop_instance)]
    if named:
        content.FailedSOPSequence = named
    if nameless:
        content.OtherFailuresSequence = nameless
    complete = not failed and not any(each.rewritten for each in stored)
    return StowAnswer(status=200 if complete else 202 if stored else 409, content=content.to_json_dict())


def _stored(uploaded: Uploaded) -> Dataset:
    item = _reference(uploaded)
    item.RetrieveURL = None
    if uploaded.rewritten:
        item.WarningReason = COERCION
    return item


def _failed(uploaded: Uploaded) -> Dataset:
    assert uploaded.refusal is not None
    item = _reference(uploaded) if uploaded.sop_class and uploaded.sop_instance else Dataset()
    item.FailureReason = failure_reason(uploaded.refusal)
    return item


def _reference(uploaded: Uploaded) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = uploaded.sop_class, uploaded.sop_instance
    return item
