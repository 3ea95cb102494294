"""What was stored, what was not, and why, in the words of PS3.18 annex I."""

import pytest
from pydicom import Dataset

from appliance.domain import errors
from appliance.services.quarantine import Uploaded
from appliance.web.dicomweb.stow_answer import failure_reason, stow_answer

CT = "1.2.840.10008.5.1.4.1.1.2"


def stored(uid: str = "1.2.3", *, rewritten: bool = False) -> Uploaded:
    return Uploaded(sop_class=CT, sop_instance=uid, orthanc_id="o", rewritten=rewritten)


def failed(error: errors.ApplianceError, uid: str = "1.2.4", sop_class: str = CT) -> Uploaded:
    return Uploaded(sop_class=sop_class, sop_instance=uid, refusal=error)


@pytest.mark.parametrize(
    ("uploaded", "status"),
    [
        ([stored()], 200),
        ([stored(), stored("1.2.5")], 200),
        ([stored(rewritten=True)], 202),
        ([stored(), failed(errors.NestedTooDeep())], 202),
        ([failed(errors.NestedTooDeep())], 409),
    ],
)
def test_the_status_says_all_some_or_none(uploaded: list[Uploaded], status: int) -> None:
    assert stow_answer(uploaded).status == status


def test_each_object_is_told_in_its_place() -> None:
    uploaded = [
        stored(),
        stored("1.2.9", rewritten=True),
        failed(errors.StudyContradicted()),
        failed(errors.NotDicom(), "", ""),
        failed(errors.UidMissing(), "", CT),
    ]
    content = Dataset.from_json(dict(stow_answer(uploaded).content))
    first, second = content.ReferencedSOPSequence
    assert (first.ReferencedSOPClassUID, first.ReferencedSOPInstanceUID) == (CT, "1.2.3")
    assert "WarningReason" not in first
    assert second.WarningReason == 0xB000
    (contradicted,) = content.FailedSOPSequence
    assert (contradicted.ReferencedSOPInstanceUID, contradicted.FailureReason) == ("1.2.4", 0xA901)
    assert [item.FailureReason for item in content.OtherFailuresSequence] == [0xC000, 0xA900]
    assert "ReferencedSOPInstanceUID" not in content.OtherFailuresSequence[0]
    assert content.RetrieveURL in ("", None)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.OrthancUnavailable(), 0xA700),
        (errors.StorageShort(), 0xA700),
        (errors.ObjectTooLarge(), 0xA700),
        (errors.UidInvalid(), 0xA900),
        (errors.StudyContradicted(), 0xA901),
        (errors.StructureBroken(), 0xC000),
        (errors.TransferSyntaxUnknown(), 0xC122),
        (errors.DestinationConflict(), 0x0111),
        (errors.DestinationRefused(), 0xC000),
        (errors.GateDefect(), 0x0110),
        (errors.ResultRefused(), 0x0110),
    ],
)
def test_every_refusal_has_its_reason(error: errors.ApplianceError, reason: int) -> None:
    assert failure_reason(error) == reason
