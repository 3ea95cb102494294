"""The rules in force: what is edited is taken up, what is invalid changes nothing, what is taken back is kept."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.catalogue.rules_file import RuleVocabulary
from appliance.domain.errors import RulesConflict, RulesInvalid, SettingsError, UnknownRevision
from appliance.services.rulebook import SETTLING, FileState, Rulebook
from appliance.store.engine import Ledger, open_ledger
from appliance.store.rule_revisions import RevisionKind, RuleRevisions
from tests.unit.store.conftest import Clock

ONE = 'schema = 1\n[[rules]]\nname = "one"\n'
TWO = ONE.replace("one", "two")
THREE = ONE.replace("one", "three")
INVALID = ONE.replace("name", "nam")

Make = Callable[..., Rulebook]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


@pytest.fixture
def revisions(tmp_path: Path, clock: Clock):  # type: ignore[no-untyped-def]
    ledger: Ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield RuleRevisions(ledger, clock)
    ledger.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(file: Path, revisions: RuleRevisions, clock: Clock) -> Make:
    def rulebook(*, explicit: bool = False, models: set[str] | None = None) -> Rulebook:
        vocabulary = RuleVocabulary(pattern_problem=lambda _: None, models=models)
        return Rulebook(file=file, revisions=revisions, vocabulary=lambda: vocabulary, explicit=explicit, clock=clock)

    return rulebook


@pytest.fixture
def edit(file: Path, clock: Clock) -> Callable[[str], None]:
    """Write the file, and let it settle."""

    def write(text: str) -> None:
        file.write_text(text, encoding="utf-8")
        written = clock.now.timestamp()
        os.utime(file, (written, written))
        clock.now += SETTLING

    return write


def names(rulebook: Rulebook) -> tuple[int, list[str]]:
    found = rulebook.in_force()
    return found.revision, [rule.name for rule in found.rules]


def test_without_file_and_revision_everything_is_asked_for(make: Make) -> None:
    assert names(make()) == (0, ["everything"])
    assert make().file_state() == (FileState.ABSENT, None)


def test_the_first_file_becomes_the_first_revision(make: Make, edit, revisions: RuleRevisions) -> None:  # type: ignore[no-untyped-def]
    edit(ONE)
    assert make().file_state()[0] is FileState.PENDING
    assert names(make()) == (1, ["one"])
    active = revisions.active()
    assert active is not None
    assert (active.kind, active.author, active.text) == (RevisionKind.FILE, "file", ONE)
    assert make().file_state()[0] is FileState.IN_FORCE
    assert names(make()) == (1, ["one"])


def test_an_edit_becomes_a_revision_once(make: Make, edit) -> None:  # type: ignore[no-untyped-def]
    edit(ONE)
    names(make())
    edit(TWO)
    assert [names(make()), names(make())] == [(2, ["two"])] * 2
    edit(ONE)
    assert names(make()) == (3, ["one"])


def test_a_file_that_is_being_written_is_left_to_settle(make: Make, edit, file: Path, clock: Clock) -> None:  # type: ignore[no-untyped-def]
    edit(ONE)
    names(make())
    edit(TWO)
    clock.now -= timedelta(seconds=1)
    assert names(make()) == (1, ["one"])
    clock.now += timedelta(seconds=1)
    assert names(make()) == (2, ["two"])


def test_an_invalid_edit_leaves_the_last_revision_in_force(make: Make, edit) -> None:  # type: ignore[no-untyped-def]
    edit(ONE)
    names(make())
    edit(INVALID)
    assert names(make()) == (1, ["one"])
    state, problem = make().file_state()
    assert state is FileState.INVALID
    assert problem is not None
    assert "did you mean 'name'?" in problem.what
    edit(TWO)
    assert names(make()) == (2, ["two"])


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"schema = 1\n" + b"[" * 5000])
def test_a_damaged_file_leaves_the_last_revision_in_force(make: Make, edit, file: Path, content: bytes) -> None:  # type: ignore[no-untyped-def]
    edit(ONE)
    names(make())
    file.write_bytes(content)
    os.utime(file, (0, 0))
    assert names(make()) == (1, ["one"])
    assert make().file_state()[0] is FileState.INVALID


def test_an_invalid_first_file_is_an_error_and_no_guess(make: Make, edit) -> None:  # type: ignore[no-untyped-def]
    edit(INVALID)
    with pytest.raises(RulesInvalid):
        make().in_force()
    with pytest.raises(RulesInvalid):
        make().current()


def test_a_file_that_goes_away_changes_nothing(make: Make, edit, file: Path) -> None:  # type: ignore[no-untyped-def]
    edit(ONE)
    names(make())
    file.unlink()
    assert names(make()) == (1, ["one"])
    assert make().file_state()[0] is FileState.ABSENT


def test_what_was_activated_is_not_undone_by_the_file_that_was_there(make: Make, edit) -> None:  # type: ignore[no-untyped-def]
    edit(ONE)
    names(make())
    assert make().activate(TWO, author="anna", reason="why not").number == 2
    assert names(make()) == (2, ["two"])
    assert make().file_state()[0] is FileState.NOT_USED
    edit(THREE)
    assert names(make()) == (3, ["three"])


def test_an_activation_needs_valid_rules_a_reason_and_a_difference(make: Make) -> None:
    rulebook = make(models={"liver"})
    with pytest.raises(RulesInvalid) as caught:
        rulebook.activate(ONE + 'models = ["x"]\npriority = "y"\n', author="anna", reason="r", where="f.toml")
    assert caught.value.where == "f.toml"
    with pytest.raises(SettingsError):
        rulebook.activate(ONE, author="anna", reason="  ")
    rulebook.activate(ONE, author="anna", reason="r")
    with pytest.raises(RulesConflict):
        rulebook.activate(ONE, author="anna", reason="r")


def test_two_who_activate_at_the_same_moment_are_told(make: Make, revisions: RuleRevisions, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    rulebook = make()
    rulebook.activate(ONE, author="anna", reason="r")
    seen = revisions.active()
    rulebook.activate(TWO, author="bert", reason="r")
    monkeypatch.setattr(revisions, "active", lambda: seen)
    with pytest.raises(RulesConflict) as caught:
        rulebook.activate(THREE, author="carl", reason="r")
    assert "somebody else" in caught.value.what


def test_a_rollback_is_a_revision_of_its_own(make: Make, revisions: RuleRevisions) -> None:
    rulebook = make()
    rulebook.activate(ONE, author="anna", reason="r")
    rulebook.activate(TWO, author="anna", reason="r")
    back = rulebook.roll_back(1, author="bert", reason="too much")
    assert (back.number, back.text, back.kind) == (3, ONE, RevisionKind.ROLLED_BACK)
    assert back.reason == "to revision 1: too much"
    assert names(rulebook) == (3, ["one"])
    assert [revision.text for revision in revisions.all()] == [ONE, TWO, ONE]
    with pytest.raises(UnknownRevision):
        rulebook.roll_back(9, author="bert", reason="r")


def test_explicit_activation_makes_the_file_a_draft(make: Make, edit) -> None:  # type: ignore[no-untyped-def]
    edit(ONE)
    rulebook = make(explicit=True)
    assert names(rulebook) == (0, [])
    assert rulebook.file_state()[0] is FileState.NOT_USED
    rulebook.activate(TWO, author="anna", reason="r")
    assert names(rulebook) == (1, ["two"])


def test_rules_in_force_go_on_when_what_they_name_is_gone(make: Make) -> None:
    make(models={"liver"}).activate(ONE + 'models = ["liver"]\n', author="anna", reason="r")
    assert names(make(models=set())) == (1, ["one"])


def test_a_revision_that_this_version_cannot_read_gives_way_to_the_one_before(
    make: Make, revisions: RuleRevisions
) -> None:
    make().activate(ONE, author="anna", reason="r")
    how = {"kind": RevisionKind.ACTIVATED, "author": "a later version", "reason": "r", "file_sha256": ""}
    revisions.append("schema = 2\n", after=1, **how)  # type: ignore[arg-type]
    assert names(make()) == (1, ["one"])


def test_looking_changes_nothing(make: Make, edit, revisions: RuleRevisions) -> None:  # type: ignore[no-untyped-def]
    edit(ONE)
    assert [rule.name for rule in make().current().rules] == ["one"]
    assert revisions.active() is None
