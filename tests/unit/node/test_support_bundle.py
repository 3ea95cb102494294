"""The bundle of a node that is down: whole, closed to others, and without what it must not hold."""

import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from appliance.bootstrap import Appliance
from appliance.node import support_bundle
from appliance.node.support_bundle import write_bundle
from appliance.settings import DestinationSettings, SecretName, Settings

NOBODY = {"orthanc": {"http_port": 1}, "dicom": {"port": 2}, "redis": {"port": 3}, "web": {"port": 4}}
"""Ports at which no node of this machine answers."""
PASSWORD = "swordfish-of-the-database"
STUDY = "1.2.826.0.1.3680043.8.498.4711"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "pacs-password").write_text("password-of-the-pacs\n", encoding="ascii")
    return tmp_path


@pytest.fixture
def settings(home: Path) -> Settings:
    place = DestinationSettings(
        name="pacs", kind="stow", url="http://127.0.0.1:1/dicom-web", user="u", password_file=home / "pacs-password"
    )
    return Settings(home=home, destinations=(place,), **NOBODY)


def _bundle(settings: Settings, file: Path) -> dict[str, str]:
    node = Appliance(settings)
    names = write_bundle(file, settings, node)
    node.close()
    with zipfile.ZipFile(file) as bundle:
        assert bundle.namelist() == list(names)
        return {name: bundle.read(name).decode() for name in names}


def test_every_part_is_there_and_readable(settings: Settings, tmp_path: Path) -> None:
    parts = _bundle(settings, tmp_path / "out.zip")
    assert set(parts) == {
        "README.txt",
        "versions.json",
        "settings.json",
        "doctor.json",
        "services.json",
        "models.json",
        "ledger.json",
        "failures.json",
    }
    assert json.loads(parts["ledger.json"])["studies"] == 0
    assert json.loads(parts["versions.json"])["packages"]["pydicom"]
    assert {check["group"] for check in json.loads(parts["doctor.json"])} >= {"Machine", "Software", "Peers"}


def test_only_its_owner_can_read_it_and_nothing_half_is_left(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bundle(settings, tmp_path / "out.zip")
    assert (tmp_path / "out.zip").stat().st_mode & 0o077 == 0

    def fail(_: Settings) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(support_bundle, "_services", fail)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(tmp_path / "other.zip", settings, Appliance(settings))
    assert [path.name for path in tmp_path.glob("*other.zip*")] == []


def test_secrets_are_in_no_part_even_if_a_log_holds_them(settings: Settings, tmp_path: Path) -> None:
    secrets = [settings.secrets.get(name) for name in SecretName] + ["password-of-the-pacs"]
    log = settings.state / "logs" / "web.log"
    log.parent.mkdir(parents=True)
    log.write_text("\n".join(secrets) + f"\nplanned {STUDY}\n", encoding="utf-8")
    parts = _bundle(settings, tmp_path / "out.zip")
    assert not [(name, secret) for name, text in parts.items() for secret in secrets if secret in text]
    assert parts["logs/web.log"].count("[secret]") == len(secrets)
    assert STUDY not in parts["logs/web.log"]


def test_the_password_of_the_database_is_in_no_part(home: Path, tmp_path: Path) -> None:
    url = f"postgresql+psycopg://ledger:{PASSWORD}@127.0.0.1:1/ledger?connect_timeout=1"
    settings = Settings(home=home, database_url=url, **NOBODY)
    parts = _bundle(settings, tmp_path / "out.zip")
    assert not [name for name, text in parts.items() if PASSWORD in text]
    assert "ledger:***@127.0.0.1" in parts["settings.json"]
    assert json.loads(parts["ledger.json"]) == {"error": "ledger-unavailable"}


def test_a_failure_keeps_its_codes_and_loses_texts_and_uids(settings: Settings, tmp_path: Path) -> None:
    _bundle(settings, tmp_path / "first.zip")
    connection = sqlite3.connect(settings.state / "ledger.sqlite")
    detail = {"attempt": 2, "error": "value-error", "said": "DOE^JANE was here", "instance": STUDY + ".1"}
    with connection:
        connection.execute(
            "INSERT INTO studies (study_instance_uid, first_arrival_at, last_arrival_at, last_event)"
            " VALUES (?, '2026-11-24 12:00:00', '2026-11-24 12:00:00', 1)",
            (STUDY,),
        )
        connection.execute(
            "INSERT INTO events (study_instance_uid, sequence, at, kind, code, detail)"
            " VALUES (?, 1, '2026-11-24 12:00:00', 'canceled', 'input-refused', ?)",
            (STUDY, json.dumps(detail)),
        )
    connection.close()
    text = _bundle(settings, tmp_path / "second.zip")["failures.json"]
    (failure,) = json.loads(text)
    assert (failure["code"], failure["detail"]) == ("input-refused", {"attempt": 2, "error": "value-error"})
    assert failure["study"].startswith("uid-")
    assert "DOE" not in text
    assert STUDY not in text


def test_of_a_long_log_the_end_is_kept(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support_bundle, "LOG_BYTES", 10)
    log = settings.state / "logs" / "web.log"
    log.parent.mkdir(parents=True)
    log.write_text("the beginning and the end", encoding="utf-8")
    assert _bundle(settings, tmp_path / "out.zip")["logs/web.log"] == "nd the end"
