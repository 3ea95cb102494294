"""Answers carry a code that people can look up."""

from appliance.delivery.sender import ACCEPTED, Outcome, postponed, refused, unavailable
from appliance.domain.errors import BurntInTextRefused, DestinationConflict


def test_a_plain_success_has_neither_code_nor_detail() -> None:
    assert (ACCEPTED.outcome, ACCEPTED.code, ACCEPTED.detail) == (Outcome.ACCEPTED, "", "")


def test_every_other_answer_has_a_code_of_ours() -> None:
    assert unavailable("no answer").code == "destination-unavailable"
    assert refused("no").code == "destination-refused"
    assert refused("no", DestinationConflict).code == "destination-conflict"
    waits = postponed("waits", BurntInTextRefused)
    assert (waits.outcome, waits.code) == (Outcome.POSTPONED, "destination-refuses-burnt-in-text")
