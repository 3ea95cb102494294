"""Reasons survive the round trip, and the latest planning replaces the earlier."""

import pytest

from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID
from appliance.domain.selection import Considered, Selection
from appliance.store.engine import Ledger
from appliance.store.instances import Instances
from appliance.store.selections import Selections
from tests.unit.store.conftest import STUDY, arrived

ONE, TWO, THREE = (SeriesInstanceUID(f"1.2.3.{number}") for number in (1, 2, 3))


def considered(series: SeriesInstanceUID, score: float = 0.0, *reasons: str) -> Considered:
    return Considered(series_instance_uid=series, modality="CT", fits=not reasons, score=score, reasons=reasons)


CHOSEN = Selection(
    package="liver@1.0.0",
    chosen=(TWO,),
    considered=(considered(ONE, 0.0, "Modality is MR, wanted CT"), considered(TWO, 2.0), considered(THREE, 1.0)),
    rules=("everything",),
)
REFUSED = Selection(package="brain@1.0.0", chosen=(), considered=(considered(ONE, 0.0, "one", "two"),))
EMPTY = Selection(package="gate@1.0.0", chosen=(), considered=(), rules=("a", "b"))


@pytest.fixture
def selections(ledger: Ledger) -> Selections:
    return Selections(ledger)


def test_reasons_come_back_as_they_were(selections: Selections) -> None:
    selections.replace(STUDY, [CHOSEN, REFUSED, EMPTY])
    assert selections.of_study(STUDY) == (REFUSED, EMPTY, CHOSEN)


def test_a_series_that_fits_and_was_not_chosen_is_told_from_one_that_does_not(selections: Selections) -> None:
    selections.replace(STUDY, [CHOSEN])
    (back,) = selections.of_study(STUDY)
    assert [(item.fits, item.series_instance_uid in back.chosen) for item in back.considered] == [
        (False, False),
        (True, True),
        (True, False),
    ]


def test_the_latest_planning_replaces_the_earlier_of_its_study_alone(selections: Selections, ledger: Ledger) -> None:
    Instances(ledger).add([arrived("4.5.6.1.1", study="4.5.6")])
    selections.replace(STUDY, [CHOSEN, REFUSED])
    selections.replace(StudyInstanceUID("4.5.6"), [EMPTY])
    selections.replace(STUDY, [EMPTY])
    assert selections.of_study(STUDY) == (EMPTY,)
    assert selections.of_study(StudyInstanceUID("4.5.6")) == (EMPTY,)
