"""Opening the ledger: engine, transactions, migration to the newest schema."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session

from appliance.domain.errors import LedgerError, LedgerUnavailable, SettingsError
from appliance.store.faults import told_apart

MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 0x1ED6E5  # any number, the same in every process
_BUSY_MS = 30_000
_CONNECT_S = 5


class Ledger:
    """A database of work. `read()` and `write()` give sessions; a write commits when its block ends without error.

    On SQLite a write takes the write lock at its first statement, so that what it read cannot change under it; on
    PostgreSQL the rows that decide are locked (`with_for_update`), the study's always first: so transactions that
    change one study stand in a line and cannot hold each other up. All raise LedgerUnavailable.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._reading = _of_one_moment(self._engine)
        self._writing = self._engine.execution_options(ledger_write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one consistent state and changes nothing."""
        with told_apart(), Session(self._reading) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator["Ledger"]:
        """The ledger as it is at one moment: all views made on it see the same state, and cannot change it."""
        with self.read() as session:
            yield _Snapshot(session)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction."""
        with told_apart(), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to `revision`; safe when several processes start at once."""
        with told_apart(), self._writing.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            command.upgrade(_config(connection), revision)

    def downgrade(self, revision: str) -> None:
        """Take the schema back to `revision` ("base": no tables)."""
        with self._writing.begin() as connection:
            command.downgrade(_config(connection), revision)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A plain connection, for checks of the schema itself."""
        with told_apart(), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Return all connections."""
        self._engine.dispose()


class _Snapshot(Ledger):
    """A ledger whose reads share one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """The one session."""
        yield self._session

    def write(self) -> NoReturn:
        """Raises LedgerError: what was cannot be changed."""
        raise LedgerError("a snapshot of the ledger takes no write")


def open_ledger(url: str) -> Ledger:
    """The ledger at `url`, migrated to the newest schema. Raises SettingsError, LedgerUnavailable."""
    try:
        ledger = Ledger(url)
        ledger.migrate()
    # the texts of these errors hold the URL, and that may hold a password
    except (ArgumentError, ImportError) as error:
        raise SettingsError("this names no database", where="database_url") from error
    except OperationalError as error:
        raise LedgerUnavailable from error
    return ledger


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": _CONNECT_S})
    engine = create_engine(url)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _of_one_moment(engine: Engine) -> Engine:
    """The engine for reading: on SQLite a transaction is a snapshot anyway, on PostgreSQL it has to be asked for."""
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="REPEATABLE READ")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions on its own; _begin_sqlite does
    for pragma in ("journal_mode=WAL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("ledger_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
