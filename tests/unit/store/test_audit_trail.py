"""The trail keeps what was done; the database itself refuses to change or remove any of it."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from appliance.domain.audit import Actor, AuditEntry, AuditKind, Outcome
from appliance.store.audit_trail import AuditQuery, AuditTrail
from appliance.store.engine import Ledger
from tests.unit.store.conftest import NOON, STUDY, Clock

ADA = Actor(name="ada", address="192.0.2.1")
BOB = Actor(name="bob", address="192.0.2.2")


@pytest.fixture
def trail(ledger: Ledger, clock: Clock) -> AuditTrail:
    found = AuditTrail(ledger, clock)
    found.record(AuditEntry(kind=AuditKind.SIGNED_IN, actor=ADA, about="ada"))
    clock.pass_by(minutes=1)
    found.record(AuditEntry(kind=AuditKind.STUDY_OPENED, actor=ADA, study_instance_uid=STUDY, detail={"way": "page"}))
    clock.pass_by(minutes=1)
    refused = AuditEntry(kind=AuditKind.SIGN_IN_REFUSED, actor=BOB, outcome=Outcome.MINOR_FAILURE, about="bob")
    found.record(refused)
    return found


def test_entries_come_back_whole_and_newest_first(trail: AuditTrail) -> None:
    kinds = [record.kind for record in trail.search(AuditQuery(), 10)]
    assert kinds == [AuditKind.SIGN_IN_REFUSED, AuditKind.STUDY_OPENED, AuditKind.SIGNED_IN]
    opened = trail.search(AuditQuery(kind=AuditKind.STUDY_OPENED), 10)[0]
    assert (opened.actor, opened.address, opened.study_instance_uid) == ("ada", "192.0.2.1", STUDY)
    assert (opened.at, opened.detail, opened.outcome) == (NOON + timedelta(minutes=1), {"way": "page"}, Outcome.SUCCESS)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (AuditQuery(actor="ada"), 2),
        (AuditQuery(study_instance_uid=STUDY), 1),
        (AuditQuery(outcome=Outcome.MINOR_FAILURE), 1),
        (AuditQuery(since=NOON + timedelta(seconds=1)), 2),
        (AuditQuery(until=NOON + timedelta(minutes=1)), 1),
        (AuditQuery(actor="ada", kind=AuditKind.SIGNED_IN), 1),
        (AuditQuery(actor="nobody"), 0),
    ],
)
def test_a_search_finds_what_fits_all_its_words(trail: AuditTrail, query: AuditQuery, found: int) -> None:
    assert len(trail.search(query, 10)) == found


def test_pages_follow_each_other_without_gap_or_double(trail: AuditTrail) -> None:
    first = trail.search(AuditQuery(), 2)
    second = trail.search(AuditQuery(before=first[-1].number), 2)
    assert [record.number for record in (*first, *second)] == [r.number for r in trail.search(AuditQuery(), 10)]


@pytest.mark.parametrize("deed", ["UPDATE audit_trail SET actor = 'somebody else'", "DELETE FROM audit_trail"])
def test_the_database_refuses_to_change_or_remove(trail: AuditTrail, ledger: Ledger, deed: str) -> None:
    with pytest.raises(DBAPIError, match="append only"), ledger.write() as session:
        session.execute(text(deed))
    assert len(trail.search(AuditQuery(actor="ada"), 10)) == 2
