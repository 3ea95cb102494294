"""What was kept out is remembered once, with what was decided, and told to the study's timeline."""

from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.domain.errors import UnknownObject
from appliance.store.engine import Ledger
from appliance.store.events import Events
from appliance.store.quarantine import Held, HoldState, Quarantine, Way
from tests.unit.store.conftest import NOON, STUDY, Clock


def _held(identifier: str = "a" * 32, **changes: object) -> Held:
    base = Held(
        id=identifier, code="gate-nesting", detail="deep", way=Way.DICOM, at=NOON, size=2500, sha256="s", calling_aet=""
    )
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.fixture
def quarantine(ledger: Ledger, clock: Clock) -> Quarantine:
    return Quarantine(ledger, clock)


def test_telling_it_twice_changes_nothing_but_the_count_and_the_sender(quarantine: Quarantine) -> None:
    assert quarantine.take([_held()]) == 1
    assert quarantine.take([_held(times=3, calling_aet="CT1", kept=False)]) == 0
    (held,) = quarantine.latest()
    assert (held.times, held.calling_aet, held.kept, held.state) == (3, "CT1", False, HoldState.HELD)


def test_the_newest_come_first_and_states_are_told_apart(quarantine: Quarantine) -> None:
    quarantine.take([_held("a"), _held("b", at=NOON + timedelta(hours=1)), _held("c", code="gate-structure")])
    quarantine.decide("a", HoldState.DISCARDED, by="me", why="rubbish")
    assert [held.id for held in quarantine.latest(HoldState.HELD)] == ["b", "c"]
    assert [held.id for held in quarantine.latest()] == ["b", "a", "c"]
    assert len(quarantine.latest(limit=1)) == 1
    assert quarantine.counts() == {"gate-nesting": 1, "gate-structure": 1}


def test_a_decision_is_made_once_and_remembered(quarantine: Quarantine) -> None:
    quarantine.take([_held("abc")])
    quarantine.decide("abc", HoldState.RELEASED, by="Ada", why="a known scanner")
    held = quarantine.get("ab")
    assert (held.state, held.decided_by, held.decision, held.decided_at) == (
        HoldState.RELEASED,
        "Ada",
        "a known scanner",
        NOON,
    )
    with pytest.raises(UnknownObject):
        quarantine.decide("abc", HoldState.DISCARDED, by="Ada", why="again")


def test_an_object_that_comes_again_after_the_decision_is_held_again(quarantine: Quarantine, clock: Clock) -> None:
    quarantine.take([_held("a")])
    clock.pass_by(minutes=1)
    quarantine.decide("a", HoldState.DISCARDED, by="me", why="rubbish")
    assert quarantine.take([_held("a")]) == 0
    assert quarantine.get("a").state is HoldState.DISCARDED
    assert quarantine.take([_held("a", at=NOON + timedelta(minutes=2))]) == 1
    assert quarantine.get("a").state is HoldState.HELD


@pytest.mark.parametrize("beginning", ["", "x", "a", "%"])
def test_an_identifier_must_name_one_object(quarantine: Quarantine, beginning: str) -> None:
    quarantine.take([_held("a1"), _held("a2")])
    with pytest.raises(UnknownObject):
        quarantine.get(beginning)


def test_the_timeline_of_a_known_study_tells_of_it(quarantine: Quarantine, ledger: Ledger) -> None:
    quarantine.take([_held("a", study_instance_uid=STUDY), _held("b", study_instance_uid="9.9.9")])
    quarantine.decide("a", HoldState.RELEASED, by="me", why="")
    quarantine.decide("b", HoldState.DISCARDED, by="me", why="x")
    told = [(event.kind.value, event.code, event.detail) for event in Events(ledger).of_study(STUDY)][1:]
    assert told == [("kept-out", "gate-nesting", {"object": "a"}), ("let-in", "gate-nesting", {"object": "a"})]
