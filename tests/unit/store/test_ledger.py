"""The schema goes up and down, timelines have no gaps, findings survive the round trip."""

import pytest
from sqlalchemy import inspect

from appliance.domain.coding import ABSENT, MILLILITRE, PRESENT, private
from appliance.domain.finding import (
    Evaluation,
    Finding,
    Measurement,
    Narrative,
    OperatingPoint,
    Outcome,
    Region,
    Sentence,
)
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import FrameReference
from appliance.domain.workitem import FINAL_STATES, TRANSITIONS, ProcedureStepState, WorkitemEvent
from appliance.store import findings_json
from appliance.store.engine import Ledger, open_ledger
from appliance.store.events import EventKind, Events
from appliance.store.instances import Instances
from tests.unit.store.conftest import STUDY, Clock, arrived

CODE = private("X", "x")
FINDINGS: list[Finding] = [
    Measurement(concept=CODE, value=12.5, unit=MILLILITRE, segment=1, derivation=CODE, method=CODE, source_index=2),
    Evaluation(
        concept=CODE,
        value=ABSENT,
        outcome=Outcome.NEGATIVE,
        probability=0.25,
        operating_point=OperatingPoint(name="screening", threshold=0.5, sensitivity=0.9),
        explanation="why",
    ),
    Evaluation(concept=CODE, value=PRESENT, outcome=Outcome.POSITIVE),
    Region(
        concept=CODE,
        frame=FrameReference(SOPInstanceUID("1.2"), "1.3", 4),
        polygon=((0.0, 0.0), (1.5, 2.0)),
        text="read",
    ),
    Narrative(
        language="de",
        title="Bericht",
        findings=(Sentence(text="Satz", outcome=Outcome.LIMITED, evidence=(("1.2", 3),)),),
        impression=(),
        generator="neural",
    ),
]


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: type(finding).__name__)
def test_findings_survive_the_round_trip(finding: Finding) -> None:
    assert findings_json.from_json(findings_json.to_json(finding)) == finding


def test_the_schema_goes_up_and_down(ledger_url: str) -> None:
    ledger = open_ledger(ledger_url)
    with ledger.connection() as connection:
        assert {"workitems", "outbox", "events"} <= set(inspect(connection).get_table_names())
    ledger.downgrade("base")
    with ledger.connection() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    ledger.migrate()
    ledger.close()


def test_telling_an_arrival_again_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    instances = Instances(ledger, clock)
    assert instances.add([arrived("1.2.3.1.1")]) == frozenset()
    assert instances.add([arrived("1.2.3.1.2")]) == {STUDY}
    assert len(instances.of_study(STUDY)) == 2


def test_changed_content_under_a_known_uid_is_on_the_timeline(ledger: Ledger, clock: Clock) -> None:
    assert Instances(ledger, clock).add([arrived("1.2.3.1.1", sha256="bb")]) == {STUDY}
    assert EventKind.INSTANCE_CHANGED in [event.kind for event in Events(ledger).of_study(STUDY)]


def test_timelines_are_numbered_without_gaps(ledger: Ledger, clock: Clock) -> None:
    for number in range(2, 6):
        Instances(ledger, clock).add([arrived(f"1.2.3.1.{number}")])
    assert [event.sequence for event in Events(ledger).of_study(STUDY)] == [1, 2, 3, 4, 5]


def test_final_states_have_no_way_out() -> None:
    assert not [key for key in TRANSITIONS if key[0] in FINAL_STATES]
    assert {key[1] for key in TRANSITIONS} == set(WorkitemEvent)
    assert {key[0] for key in TRANSITIONS} == set(ProcedureStepState) - FINAL_STATES
