"""Every kind of event has its words in the vocabulary of PS3.15."""

import pytest
from pydicom.sr.codedict import codes

from appliance.domain.audit import DICOM_EVENTS, AuditKind, Code

DCM = {(code.value, code.meaning) for name in dir(codes.DCM) if hasattr(code := getattr(codes.DCM, name), "meaning")}


@pytest.mark.parametrize("kind", AuditKind)
def test_every_kind_is_said_in_codes_of_the_standard(kind: AuditKind) -> None:
    event = DICOM_EVENTS[kind]
    used: list[Code] = [event.event, *([event.type] if event.type else [])]
    assert all((code.value, code.meaning) in DCM for code in used)
