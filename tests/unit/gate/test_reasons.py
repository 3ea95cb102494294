"""Every reason of the gate is an error of the tree, with a title and a remedy."""

from appliance.domain.errors import KeptOut
from appliance.gate.reasons import Reason


def test_every_reason_has_its_error_and_every_error_its_reason() -> None:
    assert {error.code for error in KeptOut.__subclasses__()} == {reason.value for reason in Reason}
