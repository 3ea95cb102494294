"""Which schema the ledger has, looked at without changing it."""

from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from appliance.domain.errors import LedgerUnavailable, SettingsError
from appliance.store.engine import MIGRATIONS, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaVersion:
    """The revision that the database has (None: no ledger yet), and the newest one that this program knows."""

    found: str | None
    newest: str
    is_known: bool
    damage: str = ""

    @property
    def is_current(self) -> bool:
        """Whether nothing is to be migrated."""
        return self.found == self.newest


def schema_version(url: str) -> SchemaVersion:
    """Look at the ledger of that URL; a SQLite file is also checked for damage.

    Raises SettingsError, LedgerUnavailable.
    """
    scripts = _scripts()
    newest = scripts.get_current_head() or ""
    try:
        parsed = make_url(url)
        ledger = Ledger(url)
    except (ArgumentError, ImportError) as error:
        raise SettingsError("this names no database", where="database_url") from error
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite and parsed.database and not Path(parsed.database).is_file():
        return SchemaVersion(found=None, newest=newest, is_known=True)
    try:
        with ledger.connection() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
            damage = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()) if is_sqlite else ""
    except SQLAlchemyError as error:
        raise LedgerUnavailable(f"it cannot be read ({type(error).__name__})") from error
    finally:
        ledger.close()
    known = {script.revision for script in scripts.walk_revisions()} | {None}
    return SchemaVersion(
        found=found, newest=newest, is_known=found in known, damage="" if damage in ("", "ok") else damage
    )


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)
