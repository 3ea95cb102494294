"""Whatever writes is one transaction, and a transaction that the database gave up is run again."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from appliance.domain.errors import UnknownStudy
from appliance.store.engine import Ledger
from appliance.store.instances import Instances
from appliance.store.quarantine import Held, HoldState, Quarantine, Way
from appliance.store.removal import remove_study
from appliance.store.rule_revisions import RevisionKind, RuleRevisions
from appliance.store.studies import Studies
from tests.unit.store.conftest import NOON, STUDY, Clock


class GivenUp(Exception):
    """What a driver of PostgreSQL raises when another transaction came first."""

    sqlstate = "40001"


@pytest.fixture
def give_up_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The first transaction that writes is rolled back at its end; the list says what happened."""
    happened: list[str] = []
    write = ledger.write

    @contextmanager
    def giving_up() -> Iterator[Session]:
        with write() as session:
            yield session
            if not happened:
                happened.append("given up")
                raise OperationalError("COMMIT", {}, GivenUp())
            happened.append("committed")

    monkeypatch.setattr(ledger, "write", giving_up)
    return happened


def held() -> Held:
    return Held(id="a" * 32, code="gate-nesting", detail="", way=Way.HTTP, at=NOON, size=1, sha256="")


def taken_in(ledger: Ledger) -> None:
    objects = (item for item in [held()])
    assert Quarantine(ledger).take(objects) == 1
    assert Quarantine(ledger).get("a" * 32).state is HoldState.HELD


def put_in_force(ledger: Ledger) -> None:
    revisions = RuleRevisions(ledger)
    made = revisions.append("x", after=0, kind=RevisionKind.FILE, author="Ada", reason="", file_sha256="")
    assert made is not None
    assert [revision.number for revision in revisions.all()] == [1]


def removed(ledger: Ledger) -> None:
    remove_study(ledger, STUDY)
    with pytest.raises(UnknownStudy):
        Studies(ledger).summary(STUDY)


def taken_up_again(ledger: Ledger) -> None:
    Instances(ledger).take_up_again("orthanc-1")


@pytest.mark.parametrize("transaction", [taken_in, put_in_force, removed, taken_up_again])
def test_a_transaction_that_was_given_up_is_run_again(
    ledger: Ledger, give_up_once: list[str], transaction: Callable[[Ledger], None]
) -> None:
    transaction(ledger)
    assert give_up_once == ["given up", "committed"]


def test_a_decision_that_was_given_up_is_made_again(
    ledger: Ledger, clock: Clock, request: pytest.FixtureRequest
) -> None:
    quarantine = Quarantine(ledger, clock)
    quarantine.take([held()])
    happened = request.getfixturevalue("give_up_once")
    quarantine.decide("a" * 32, HoldState.DISCARDED, by="Ada", why="an attack")
    assert happened == ["given up", "committed"]
    assert quarantine.get("a" * 32).decided_by == "Ada"


def test_everything_in_the_store_that_writes_is_tried_again(project: Path) -> None:
    for file in (project / "appliance" / "store").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and "ledger.write()" in ast.unparse(node):
                decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
                assert "retried" in decorators, f"{file.name}: {node.name}"
