"""A study that is removed leaves nothing behind, and takes nothing else with it."""

import pytest
from sqlalchemy import func, select

from appliance.domain.errors import UnknownStudy
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID
from appliance.store.claims import Claims, Completion
from appliance.store.engine import Ledger
from appliance.store.instances import Instances
from appliance.store.outbox import Outbox
from appliance.store.removal import remove_study
from appliance.store.schema import Base, SetAsideRow, StudyRow
from appliance.store.series_choices import SeriesChoices
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import STUDY, Clock, arrived, workitem
from tests.unit.store.test_claims import claimed, outgoing

OTHER = StudyInstanceUID("9.9")


def _counts(ledger: Ledger) -> dict[str, int]:
    with ledger.read() as session:
        return {
            table.name: session.scalars(select(func.count()).select_from(table)).one()
            for table in Base.metadata.sorted_tables
        }


TABLES = ("results", "outbox", "workitems", "workitem_waits", "set_aside", "series_choices")


@pytest.fixture
def busy(ledger: Ledger, clock: Clock) -> Ledger:
    """STUDY with an analysis that replaced an earlier one, results, deliveries, a report that waits; another study."""
    Instances(ledger, clock).add([arrived("9.9.1", study=OTHER, series="9.9.0")])
    early, late = workitem(), workitem(instances=(SOPInstanceUID("1.2.3.1.1"), SOPInstanceUID("1.2.3.1.2")))
    claims = Claims(ledger, clock)
    for item, sop in ((early, "8.8.1"), (late, "8.8.2")):
        Workitems(ledger, clock).schedule([item])
        claims.complete(claimed(claims, item), Completion(findings=(), results=(outgoing(item, sop, "pacs"),)))
    Workitems(ledger, clock).schedule([workitem("report", series=None, waits_for=(late.uid,))])
    SeriesChoices(ledger, clock).add(
        STUDY, SeriesInstanceUID("1.2.3.1"), "liver", unmet=(), author="anna", reason="a test"
    )
    Instances(ledger, clock).set_aside("orthanc-result", "now", "not-input")
    return ledger


def test_nothing_of_the_study_is_left(busy: Ledger) -> None:
    before = _counts(busy)
    assert min(before[name] for name in TABLES) > 0
    removed = remove_study(busy, STUDY, ["orthanc-result"])
    after = _counts(busy)
    assert {name for name, count in after.items() if count} <= {"studies", "instances", "events"}
    assert (after["studies"], after["instances"]) == (1, 1)
    assert removed.cached == ("1.2.3.1.1.dcm",)
    assert len(removed.results) == before["results"]
    assert Outbox(busy).due() == ()


def test_other_studies_stay(busy: Ledger) -> None:
    remove_study(busy, STUDY)
    with busy.read() as session:
        assert list(session.scalars(select(StudyRow.study_instance_uid))) == [OTHER]
        assert session.scalars(select(SetAsideRow.orthanc_id)).all() == ["orthanc-result"]
    with pytest.raises(UnknownStudy):
        Studies(busy).summary(STUDY)


def test_a_study_that_is_not_there_is_no_error(busy: Ledger) -> None:
    before = _counts(busy)
    assert remove_study(busy, StudyInstanceUID("5.5")).cached == ()
    assert _counts(busy) == before
