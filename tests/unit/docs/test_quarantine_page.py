"""The page on quarantine has advice for every reason, and says of none that it can be released when it cannot."""

import re

from appliance.gate.reasons import Reason
from tests.conftest import PROJECT

PAGE = (PROJECT / "runbooks" / "quarantine.md").read_text(encoding="utf-8")
ADVICE = {
    Reason(code): what
    for codes, what in re.findall(r"^\| (`gate-.*?) \| (.*) \|$", PAGE, re.MULTILINE)
    for code in re.findall(r"`([a-z-]+)`", codes)
}


def test_every_reason_has_advice() -> None:
    assert set(ADVICE) == set(Reason)


def test_the_page_releases_what_the_gate_lets_be_released() -> None:
    assert {reason for reason, what in ADVICE.items() if "cannot be released" not in what} == {
        reason for reason in Reason if reason.may_be_overridden
    }
