"""Workitems: a UID that follows from the content, and a life that is a table."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID
from appliance.domain.workitem import (
    FINAL_STATES,
    TRANSITIONS,
    Priority,
    ProcedureStepState,
    WorkitemEvent,
    workitem_uid,
)

STUDY, SERIES = StudyInstanceUID("1"), SeriesInstanceUID("1.1")
INSTANCES = (SOPInstanceUID("1.1.1"), SOPInstanceUID("1.1.2"))
UID = workitem_uid(STUDY, SERIES, "liver", "1.0.0", INSTANCES)


@given(st.permutations([SOPInstanceUID(f"1.1.{index}") for index in range(5)]))
def test_the_order_of_instances_does_not_matter(order: list[SOPInstanceUID]) -> None:
    assert workitem_uid(STUDY, SERIES, "a", "1", tuple(order)) == workitem_uid(
        STUDY, SERIES, "a", "1", tuple(sorted(order))
    )


@pytest.mark.parametrize(
    "other",
    [
        workitem_uid(StudyInstanceUID("2"), SERIES, "liver", "1.0.0", INSTANCES),
        workitem_uid(STUDY, SeriesInstanceUID("1.2"), "liver", "1.0.0", INSTANCES),
        workitem_uid(STUDY, None, "liver", "1.0.0", INSTANCES),
        workitem_uid(STUDY, SERIES, "lung", "1.0.0", INSTANCES),
        workitem_uid(STUDY, SERIES, "liver", "1.0.1", INSTANCES),
        workitem_uid(STUDY, SERIES, "liver", "1.0.0", INSTANCES[:1]),
        workitem_uid(STUDY, SERIES, "liver", "1.0.0", INSTANCES, revision=1),
    ],
)
def test_whatever_changes_makes_another_workitem(other: str) -> None:
    assert other != UID


def test_nothing_leaves_a_final_state() -> None:
    assert not [state for state, _ in TRANSITIONS if state in FINAL_STATES]


def test_every_state_can_be_reached_and_every_event_means_something() -> None:
    assert {ProcedureStepState.SCHEDULED, *TRANSITIONS.values()} == set(ProcedureStepState)
    assert {event for _, event in TRANSITIONS} == set(WorkitemEvent)


@pytest.mark.parametrize(
    "pair", [pair for pair in itertools.product(ProcedureStepState, WorkitemEvent) if pair not in TRANSITIONS]
)
def test_what_is_not_in_the_table_is_no_transition_of_a_worker(
    pair: tuple[ProcedureStepState, WorkitemEvent],
) -> None:
    state, event = pair
    assert state in FINAL_STATES or (state is ProcedureStepState.SCHEDULED and event in ("release", "complete"))


def test_priorities_are_in_the_order_of_urgency() -> None:
    assert list(Priority) == [Priority.HIGH, Priority.MEDIUM, Priority.LOW]
