"""Into the node's own Orthanc: its errors become answers."""

from pathlib import Path

import pytest

from appliance.delivery.orthanc import OrthancSender
from appliance.delivery.sender import ACCEPTED, Outcome, Parcel
from appliance.domain.errors import ApplianceError, DestinationConflict, DestinationRefused, OrthancUnavailable

PARCEL = Parcel(file=Path("a.dcm"), sop_class_uid="1.2", sop_instance_uid="1.2.3", transfer_syntax_uid="1.2.1")


class Node:
    def __init__(self, *errors: ApplianceError | None) -> None:
        self.errors = list(errors)
        self.stored: list[Path] = []

    def store(self, file: Path) -> str:
        error = self.errors.pop(0)
        if error is not None:
            raise error
        self.stored.append(file)
        return "id"


def test_what_is_stored_is_accepted() -> None:
    node = Node(None, None)
    assert list(OrthancSender(node).send([PARCEL, PARCEL])) == [ACCEPTED] * 2
    assert node.stored == [Path("a.dcm")] * 2


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (DestinationRefused("Orthanc answered 400"), Outcome.REFUSED, "destination-refused"),
        (DestinationConflict(), Outcome.REFUSED, "destination-conflict"),
        (OrthancUnavailable("no answer"), Outcome.UNAVAILABLE, "destination-unavailable"),
    ],
)
def test_an_error_of_one_object_is_its_answer_and_the_next_is_tried(
    error: ApplianceError, outcome: Outcome, code: str
) -> None:
    first, second = OrthancSender(Node(error, None)).send([PARCEL, PARCEL])
    assert (first.outcome, first.code, first.detail) == (outcome, code, error.what)
    assert second == ACCEPTED
