"""A database that goes away is a matter of time, not of the work: one name for it, and back to work when it is back."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from appliance.domain.errors import LedgerUnavailable, TransientError
from appliance.store import engine
from appliance.store.claims import Claims
from appliance.store.engine import Ledger, open_ledger
from appliance.store.faults import retried
from appliance.store.instances import Instances
from appliance.store.workitems import Workitems
from tests.helpers.postgres import PostgresServer, cluster
from tests.unit.store.conftest import Clock, arrived, workitem
from tests.unit.store.test_claims import claimed


@pytest.fixture
def postgresql(postgres: PostgresServer) -> Iterator[tuple[Ledger, str]]:
    url = postgres.create_database()
    opened = open_ledger(url)
    Instances(opened, Clock()).add([arrived("1.2.3.1.1")])
    yield opened, url
    opened.close()


def test_a_connection_that_ends_in_a_transaction_is_transient_and_nothing_of_it_stays(
    postgresql: tuple[Ledger, str], postgres: PostgresServer
) -> None:
    ledger, url = postgresql

    def lose_the_connection() -> None:
        with ledger.write() as session:
            session.execute(text("UPDATE studies SET last_event = 99"))
            assert postgres.end_connections(url)
            session.execute(text("SELECT 1"))

    with pytest.raises(LedgerUnavailable):
        lose_the_connection()
    with ledger.read() as session:
        assert session.scalar(text("SELECT last_event FROM studies")) == 1


def test_connections_that_ended_between_two_uses_are_made_anew(
    postgresql: tuple[Ledger, str], postgres: PostgresServer
) -> None:
    ledger, url = postgresql
    workitems = Workitems(ledger, Clock())
    workitems.schedule([workitem()])
    assert postgres.end_connections(url)
    assert workitems.get(workitem().uid).attempts == 0


def test_a_server_that_is_killed_is_unavailable_until_it_is_back() -> None:
    with cluster() as server:
        ledger = open_ledger(server.create_database())
        clock = Clock()
        Instances(ledger, clock).add([arrived("1.2.3.1.1")])
        workitems, claims = Workitems(ledger, clock), Claims(ledger, clock)
        workitems.schedule([workitem()])
        claim = claimed(claims, workitem())
        server.kill()
        with pytest.raises(TransientError):
            claims.heartbeat(claim)
        with pytest.raises(TransientError):
            workitems.get(claim.workitem.uid)
        server.start()
        claims.heartbeat(claim)
        assert workitems.get(claim.workitem.uid).attempts == 1
        ledger.close()


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable):
        open_ledger(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}")


def test_transactions_that_hold_each_other_up_are_told_and_tried_again(postgresql: tuple[Ledger, str]) -> None:
    """Two transactions that lock two rows in opposite order: the database gives one up, and it is run again."""
    ledger, _ = postgresql
    Workitems(ledger, Clock()).schedule([workitem("a"), workitem("b")])
    both_hold_one, tries = threading.Barrier(2), {"ab": 0, "ba": 0}

    @retried
    def lock_in_order(order: str) -> None:
        tries[order] += 1
        with ledger.write() as session:
            for index, package in enumerate(order):
                query = text("UPDATE workitems SET attempts = attempts + 1 WHERE package = :package")
                session.execute(query, {"package": package})
                if index == 0 and tries[order] == 1:
                    both_hold_one.wait(timeout=30)

    threads = [threading.Thread(target=lock_in_order, args=(order,)) for order in tries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(tries.values()) == 1
    assert max(tries.values()) > 1
    with ledger.read() as session:
        assert session.scalars(text("SELECT attempts FROM workitems")).all() == [2, 2]


def test_a_defect_is_not_tried_for_ever(postgresql: tuple[Ledger, str]) -> None:
    ledger, _ = postgresql
    tries = []

    @retried
    def insert_twice() -> None:
        tries.append(1)
        with ledger.write() as session:
            session.execute(text("INSERT INTO studies SELECT * FROM studies"))

    with pytest.raises(IntegrityError):
        insert_twice()
    assert len(tries) == 5


def test_a_lock_that_a_writer_of_sqlite_never_lets_go_is_transient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_BUSY_MS", 50)
    file = tmp_path / "ledger.sqlite"
    ledger = open_ledger(f"sqlite:///{file}")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable), ledger.write() as session:
            session.execute(text("UPDATE studies SET last_event = 0"))
        other.execute("ROLLBACK")
    ledger.close()


def test_an_error_in_a_statement_is_no_absence(ledger: Ledger) -> None:
    with pytest.raises(DBAPIError), ledger.read() as session:
        session.execute(text("SELECT nothing FROM nowhere"))
