"""A result knows its hash, prints no content, and names its maker."""

import hashlib

import pytest

from appliance.domain.dicom_result import DeviceIdentity, DicomResult, ResultKind
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID, WorkitemUID

DEVICE = {
    "manufacturer": "Maker",
    "model_name": "Model",
    "serial_number": "1",
    "software_version": "0.1",
    "station_name": "AI",
}
RESULT = DicomResult(
    kind=ResultKind.SR,
    workitem_uid=WorkitemUID("1"),
    study_instance_uid=StudyInstanceUID("2"),
    series_instance_uid=SeriesInstanceUID("3"),
    sop_class_uid="4",
    sop_instance_uid=SOPInstanceUID("5"),
    transfer_syntax_uid="6",
    description="SR",
    content=b"secret bytes",
    text="secret text",
)


def test_the_hash_is_that_of_the_content() -> None:
    assert RESULT.sha256 == hashlib.sha256(b"secret bytes").hexdigest()


def test_neither_content_nor_text_is_printed() -> None:
    assert "secret" not in repr(RESULT)


@pytest.mark.parametrize("missing", ["manufacturer", "model_name", "serial_number", "software_version"])
def test_a_device_must_say_who_it_is(missing: str) -> None:
    DeviceIdentity(**DEVICE)
    with pytest.raises(ValueError, match="must name its maker"):
        DeviceIdentity(**{**DEVICE, missing: ""})
