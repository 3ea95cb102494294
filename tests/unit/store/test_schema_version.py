"""Looking at the schema changes nothing."""

import sqlite3
from pathlib import Path

import pytest

from appliance.domain.errors import LedgerUnavailable, SettingsError
from appliance.store.engine import Ledger
from appliance.store.schema_version import schema_version


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.sqlite'}"


def test_a_ledger_that_is_not_made_is_not_made_by_looking(tmp_path: Path) -> None:
    version = schema_version(_url(tmp_path))
    assert (version.found, version.is_current, version.is_known) == (None, False, True)
    assert list(tmp_path.iterdir()) == []


def test_a_migrated_ledger_is_current(tmp_path: Path) -> None:
    ledger = Ledger(_url(tmp_path))
    ledger.migrate()
    ledger.close()
    version = schema_version(_url(tmp_path))
    assert version.is_current
    assert version.damage == ""


def test_a_ledger_of_a_newer_program_is_not_known(tmp_path: Path) -> None:
    ledger = Ledger(_url(tmp_path))
    ledger.migrate()
    ledger.close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    version = schema_version(_url(tmp_path))
    assert (version.found, version.is_known, version.is_current) == ("9999", False, False)


def test_a_file_that_is_no_database_is_an_error_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"nonsense" * 1000)
    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        schema_version(_url(tmp_path))


def test_a_url_that_names_no_database_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError):
        schema_version("nonsense")
