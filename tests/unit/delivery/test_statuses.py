"""Every status of the standard leads to one of three things, and what it was is kept."""

import pytest

from appliance.delivery.sender import ACCEPTED, Outcome
from appliance.delivery.statuses import from_dicom_status, from_http_status


def test_success_says_nothing_more() -> None:
    assert from_dicom_status(0x0000) is ACCEPTED


@pytest.mark.parametrize(
    ("status", "outcome", "code", "detail"),
    [  # PS3.4 table B.2-1, PS3.7 annex C
        (0x0111, Outcome.ACCEPTED, "0111", "there already"),
        (0xB000, Outcome.ACCEPTED, "B000", "coerced"),
        (0xB006, Outcome.ACCEPTED, "B006", "discarded"),
        (0xB007, Outcome.ACCEPTED, "B007", "does not match"),
        (0xA700, Outcome.UNAVAILABLE, "A700", "out of resources"),
        (0xA7FF, Outcome.UNAVAILABLE, "A7FF", "out of resources"),
        (0x0110, Outcome.UNAVAILABLE, "0110", "processing failure"),
        (0x0124, Outcome.UNAVAILABLE, "0124", "not authorised"),
        (0x0213, Outcome.UNAVAILABLE, "0213", "resource limitation"),
        (0xA900, Outcome.REFUSED, "A900", "does not match"),
        (0xC123, Outcome.REFUSED, "C123", "cannot understand"),
        (0x0117, Outcome.REFUSED, "0117", "invalid SOP Instance UID"),
        (0x0122, Outcome.REFUSED, "0122", "SOP class not supported"),
        (0x4321, Outcome.REFUSED, "4321", "unknown status"),
    ],
)
def test_a_dicom_status_is_kept_with_its_meaning(status: int, outcome: Outcome, code: str, detail: str) -> None:
    answer = from_dicom_status(status)
    assert (answer.outcome, answer.code) == (outcome, code)
    assert detail in answer.detail


@pytest.mark.parametrize("status", [401, 403, 404, 408, 425, 429, 500, 502, 503, 504])
def test_http_errors_that_time_or_an_administrator_mends_are_tried_again(status: int) -> None:
    assert from_http_status(status).outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize("status", [400, 409, 413, 415])
def test_http_errors_of_the_object_are_final(status: int) -> None:
    answer = from_http_status(status)
    assert (answer.outcome, answer.code) == (Outcome.REFUSED, f"HTTP-{status}")
