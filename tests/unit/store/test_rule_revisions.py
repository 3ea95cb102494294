"""Revisions of the rules are added and never changed; one number is given once."""

import hashlib

import pytest

from appliance.domain.errors import UnknownRevision
from appliance.store.engine import Ledger
from appliance.store.rule_revisions import RevisionKind, RuleRevision, RuleRevisions, sha256_of
from tests.unit.store.conftest import NOON, Clock


@pytest.fixture
def revisions(ledger: Ledger, clock: Clock) -> RuleRevisions:
    return RuleRevisions(ledger, clock)


def added(revisions: RuleRevisions, text: str, after: int) -> RuleRevision | None:
    return revisions.append(
        text, after=after, kind=RevisionKind.ACTIVATED, author="anna", reason="a test", file_sha256="f"
    )


def test_before_the_first_there_is_none(revisions: RuleRevisions) -> None:
    assert revisions.active() is None
    assert revisions.all() == ()


def test_the_newest_is_in_force_and_the_others_stay(revisions: RuleRevisions, clock: Clock) -> None:
    first = added(revisions, "one", 0)
    clock.pass_by(hours=1)
    second = added(revisions, "two", 1)
    assert revisions.active() == second
    assert revisions.all() == (first, second)
    assert revisions.get(1) == RuleRevision(
        number=1,
        text="one",
        kind=RevisionKind.ACTIVATED,
        author="anna",
        reason="a test",
        file_sha256="f",
        at=NOON,
    )
    assert revisions.get(1).sha256 == hashlib.sha256(b"one").hexdigest()


def test_who_did_not_see_the_last_revision_adds_none(revisions: RuleRevisions) -> None:
    added(revisions, "one", 0)
    assert added(revisions, "another one", 0) is None
    assert added(revisions, "from the future", 5) is None
    assert [revision.text for revision in revisions.all()] == ["one"]


def test_a_number_that_was_never_given_is_unknown(revisions: RuleRevisions) -> None:
    with pytest.raises(UnknownRevision):
        revisions.get(1)


def test_no_text_has_no_hash() -> None:
    assert sha256_of("") == ""
