"""The runbook of backup and restore, word by word: what was in the one folder is in the other."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance.bootstrap import Appliance
from appliance.services.folder import take_in
from appliance.settings import SecretName, Settings, load_settings
from appliance.store.clock import utc_now
from appliance.study.files import open_input
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.postgres import PostgresServer, postgres_program
from tests.helpers.tiny_models import write_threshold_package

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def commands(project: Path) -> Mapping[str, str]:
    """The commands of the runbook, by the name of their block."""
    text = (project / "runbooks" / "backup-and-restore.md").read_text(encoding="utf-8")
    return dict(re.findall(r"```sh ([a-z-]+)\n(.*?)```", text, re.S))


def run(text: str, folder: Path, **names: object) -> str:
    """Run a block as a person would paste it, and then `pwd`; what it said."""
    program = f"{shlex.quote(sys.executable)} -c 'from appliance.cli.main import main; main()'"
    script = f'set -eu\nappliance() {{ {program} "$@"; }}\n{text}\npwd\n'
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=os.environ | {name: str(value) for name, value in names.items()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def installation(home: Path, database_url: str) -> Settings:
    """A home whose node has analysed a study, with results that wait for Orthanc."""
    write_threshold_package(home / "models_onnx")
    (home / "appliance.toml").write_text(f'database_url = "{database_url}"\n', encoding="utf-8")
    folder = home.parent / "study"
    save(ct_series(blob_phantom()), folder)
    settings = load_settings(home / "appliance.toml")
    node = Appliance(settings)
    settings.secrets.get(SecretName.ORTHANC)
    (settings.state / "orthanc").mkdir()
    (settings.state / "orthanc" / "index").write_bytes(b"an index")
    (settings.state / "redis").mkdir()
    with open_input(folder) as found:
        for study in take_in(found, node.instances, utc_now()):
            node.planner.plan(study)
    while work := node.workitems.runnable():
        node.analyst.run(work[0].uid, "test")
    node.close()
    return settings


def told(home: Path) -> tuple[object, ...]:
    """What an installation knows, and holds to prove it."""
    settings = load_settings(home / "appliance.toml")
    node = Appliance(settings)
    receipts = [node.studies.receipt(summary.study_instance_uid) for summary in node.studies.latest()]
    files = [node.result_files.path(record.path).read_bytes() for receipt in receipts for record in receipt.results]
    node.close()
    assert files
    index = (settings.state / "orthanc" / "index").read_bytes()
    return receipts, files, settings.secrets.path(SecretName.ORTHANC).read_text(), index


def test_a_folder_comes_back_as_it_was(commands: Mapping[str, str], tmp_path: Path) -> None:
    home, backup, new = tmp_path / "a home", tmp_path / "a backup", tmp_path / "a new home"
    settings = installation(home, "")
    before = told(home)
    run(commands["backup"], home, BACKUP=backup)
    assert run(commands["restore"], home, BACKUP=backup, NEW=new).splitlines()[-1] == str(new)
    assert told(new) == before
    assert not (new / "state" / "redis").exists()
    assert (new / "state" / "secrets").stat().st_mode == (settings.state / "secrets").stat().st_mode
    assert (backup / "appliance.tar").stat().st_mode & 0o077 == 0
    said = run(commands["look"], new)
    assert "No study" not in said
    assert "No workitems" in said


def test_the_ledger_is_copied_while_somebody_writes(commands: Mapping[str, str], tmp_path: Path) -> None:
    home, backup = tmp_path / "a home", tmp_path / "a backup"
    installation(home, "")
    before = told(home)
    node = Appliance(load_settings(home / "appliance.toml"))
    with node.ledger.write():
        run(commands["backup-ledger"], home, BACKUP=backup)
    node.close()
    (home / "state" / "ledger.sqlite").write_bytes((backup / "ledger.sqlite").read_bytes())
    assert told(home) == before


def test_a_database_comes_back_as_it_was(
    commands: Mapping[str, str], tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, backup, new = tmp_path / "a home", tmp_path / "a backup", tmp_path / "a new home"
    old_url, new_url = postgres.create_database(), postgres.create_database()
    installation(home, old_url)
    before = told(home)
    folder = Path(postgres_program("initdb")).parent
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    run(commands["backup"], home, BACKUP=backup)
    addresses = {"DATABASE": libpq(old_url), "NEW_DATABASE": libpq(new_url)}
    run(commands["backup-postgresql"], home, BACKUP=backup, **addresses)
    run(commands["restore"], home, BACKUP=backup, NEW=new)
    run(commands["restore-postgresql"], new, BACKUP=backup, **addresses)
    (new / "appliance.toml").write_text(f'database_url = "{new_url}"\n', encoding="utf-8")
    assert told(new) == before


def libpq(url: str) -> str:
    """The address as PostgreSQL's own programs take it."""
    return url.replace("postgresql+psycopg", "postgresql")
