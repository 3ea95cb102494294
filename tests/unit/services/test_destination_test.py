"""A destination is tried with a study of nobody, which does not stay there."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pydicom import dcmread

from appliance.delivery.dimse import DimseSender
from appliance.delivery.sender import ACCEPTED, Answer, refused, unavailable
from appliance.delivery.visibility import Sought, finder_for
from appliance.services.destination_test import Step, Went, synthetic_image, try_destination
from tests.helpers import validators
from tests.helpers.pacs import scripted_pacs

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"


class Peer:
    """Takes or refuses, shows or hides."""

    def __init__(self, *answers: Answer, honours: bool = True, forgets: bool = False) -> None:
        self.answers = list(answers)
        self.honours, self.forgets = honours, forgets
        self.notes = 0
        self.files: list[bytes] = []

    def send(self, parcels):  # type: ignore[no-untyped-def]
        for item in parcels:
            self.files.append(Path(item.file).read_bytes())
            self.notes += item.sop_class_uid == KEY_OBJECTS
            yield self.answers.pop(0) if self.answers else ACCEPTED

    def visible(self, objects: Sequence[Sought]) -> frozenset[str]:
        hidden = self.forgets or (self.notes and self.honours)
        return frozenset() if hidden else frozenset(item.sop_instance_uid for item in objects)


def tried(peer: Peer, *, asks: bool = True) -> list[tuple[str, Went]]:
    return [(step.name, step.went) for step in steps(peer, asks=asks)]


def steps(peer: Peer, *, asks: bool = True) -> list[Step]:
    from appliance.delivery.destinations import Destination, Protocol

    place = Destination(name="pacs", kind=Protocol.DIMSE)
    return list(try_destination(place, peer, peer if asks else None, NOON))


def test_stored_found_withdrawn_and_hidden() -> None:
    assert tried(Peer()) == [("store", Went.OK), ("find", Went.OK), ("withdraw", Went.OK), ("hidden", Went.OK)]


def test_a_peer_that_does_not_hide_it_leaves_work_for_a_person() -> None:
    *_, hidden, left = steps(Peer(honours=False))
    assert (hidden.name, hidden.went) == ("hidden", Went.WARNING)
    assert "by hand" in left.detail
    assert "2.25." in left.detail


def test_a_peer_that_takes_no_note_leaves_work_for_a_person() -> None:
    *_, withdrawn, left = steps(Peer(ACCEPTED, refused("no presentation context")))
    assert (withdrawn.name, withdrawn.went) == ("withdraw", Went.WARNING)
    assert "by hand" in left.detail


def test_after_a_store_that_failed_nothing_more_is_tried() -> None:
    assert tried(Peer(unavailable("no connection"))) == [("store", Went.FAILED)]


def test_a_peer_that_forgets_has_failed() -> None:
    assert tried(Peer(forgets=True))[1] == ("find", Went.FAILED)


def test_without_a_query_it_says_that_nothing_was_checked() -> None:
    assert tried(Peer(), asks=False) == [("store", Went.OK), ("find", Went.SKIPPED), ("withdraw", Went.OK)]


def test_image_and_note_are_valid_and_of_nobody(tmp_path: Path) -> None:
    peer = Peer()
    steps(peer)
    for number, content in enumerate(peer.files):
        file = tmp_path / f"{number}.dcm"
        file.write_bytes(content)
        dataset = dcmread(file)
        assert str(dataset.PatientName) == "TEST^APPLIANCE"
        assert dataset.StudyInstanceUID == synthetic_image("pacs", NOON).StudyInstanceUID
        if not validators.tool_missing():
            assert validators.not_waived(validators.dciodvfy(file)) == []
    note = dcmread(file)
    assert (note.SOPClassUID, note.ConceptNameCodeSequence[0].CodeValue) == (KEY_OBJECTS, "113039")


def test_a_real_association_carries_it() -> None:
    with scripted_pacs() as pacs:
        place = replace(pacs.destination, query_port=pacs.port)
        went = [step.went for step in try_destination(place, DimseSender(place), finder_for(place), NOON)]
    assert went == [Went.OK, Went.OK, Went.OK, Went.WARNING, Went.WARNING]
