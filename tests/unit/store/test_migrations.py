"""Every migration goes up and down on both databases with rows in every table, and ends in the schema of the code."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from appliance.store.engine import MIGRATIONS, Ledger
from appliance.store.schema import Base


def revisions() -> list[str]:
    """From the first to the newest."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


@pytest.fixture
def bare(ledger_url: str) -> Iterator[Ledger]:
    """A ledger without any table."""
    opened = Ledger(ledger_url)
    yield opened
    opened.close()


def tables(ledger: Ledger) -> sa.MetaData:
    found = sa.MetaData()
    with ledger.connection() as connection:
        found.reflect(connection)
    found.remove(found.tables["alembic_version"])
    return found


def fill(ledger: Ledger) -> None:
    """Put a row into every table that has none; each column gets a value of its type."""
    found = tables(ledger)
    with ledger.write() as session:
        for table in found.sorted_tables:
            if session.scalar(sa.select(sa.func.count()).select_from(table)) == 0:
                session.execute(table.insert().values({column.name: _value(column) for column in table.columns}))


def _value(column: "sa.Column[Any]") -> Any:
    """Text is the same everywhere, so that a foreign key finds what it points to."""
    if isinstance(column.type, sa.String):
        return "1.2"[: column.type.length]
    if isinstance(column.type, sa.Boolean):
        return True
    if isinstance(column.type, sa.DateTime):
        return datetime(2026, 1, 1, tzinfo=UTC)
    if isinstance(column.type, (sa.Integer, sa.Float, sa.Numeric)):
        return 1
    return {} if isinstance(column.type, sa.JSON) else b""


def contents(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    with ledger.connection() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in tables(ledger).sorted_tables
        }


def test_the_chain_has_one_beginning_and_one_end() -> None:
    chain = revisions()
    assert chain == sorted(chain)
    assert len(set(chain)) == len(chain)


def test_rows_survive_every_step_up_and_every_step_down(bare: Ledger) -> None:
    chain = revisions()
    seen: list[dict[str, list[dict[str, Any]]]] = []
    for revision in chain:
        bare.migrate(revision)
        fill(bare)
        seen.append(contents(bare))
        assert all(seen[-1].values()), "every table has a row"
    for older, newer in pairwise(seen):
        for name in older.keys() & newer.keys():
            assert len(newer[name]) == len(older[name]), name
    for revision, before in reversed(list(zip(chain, seen, strict=True))[:-1]):
        bare.downgrade(revision)
        after = contents(bare)
        assert after.keys() == before.keys()
        for name, rows in after.items():
            kept = [{key: row[key] for key in before[name][0]} for row in rows]
            assert kept == before[name], name
    bare.migrate()
    assert contents(bare).keys() == seen[-1].keys()


def test_everything_goes_down_with_rows_in_it_and_comes_up_again(bare: Ledger) -> None:
    bare.migrate()
    fill(bare)
    bare.downgrade("base")
    assert tables(bare).sorted_tables == []
    bare.migrate()
    assert {name: rows for name, rows in contents(bare).items() if rows} == {}


def test_the_newest_schema_is_the_one_that_the_code_declares(bare: Ledger) -> None:
    bare.migrate()
    with bare.connection() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_second_migration_changes_nothing(bare: Ledger) -> None:
    bare.migrate()
    fill(bare)
    before = contents(bare)
    bare.migrate()
    assert contents(bare) == before
