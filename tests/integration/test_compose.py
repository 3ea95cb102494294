"""What compose/compose.yaml would run in containers, run as processes: the same commands, variables and files."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.compose import PROJECT, Stage, services
from tests.helpers.postgres import PostgresServer
from tests.helpers.services import free_ports, orthanc_settings, plugin, program, wait_for

pytestmark = pytest.mark.integration

OURS = ("web", "worker-planning", "worker-inference-cpu", "scheduler")


def _secrets(folder: Path) -> None:
    """By the script that an administrator runs, on a copy of the folder."""
    shutil.copy(PROJECT / "compose" / "make-secrets.sh", folder)
    subprocess.run(["sh", folder / "make-secrets.sh"], check=True, capture_output=True)


def _orthanc_version(binary: str) -> str:
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[1]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Stage]:
    """The services of the file, all of them healthy."""
    folder = tmp_path_factory.mktemp("compose")
    _secrets(folder)
    (folder / "secrets" / "database-url").write_text(postgres.create_database() + "\n", encoding="utf-8")
    for name in ("state", "data", "redis", "bin", "orthanc-config"):
        (folder / name).mkdir()
    (folder / "config").mkdir()
    shutil.copy(PROJECT / "compose/config/appliance.example.toml", folder / "config/appliance.toml")
    (folder / "models").mkdir()
    (folder / "models" / "phantom-report").symlink_to(PROJECT / "models_onnx" / "phantom-report")
    binary = orthanc_settings().get("binary", program("Orthanc"))
    dicom, http, redis_port, web = map(str, free_ports(4))
    here = Stage(
        folder=folder,
        words={
            "/run/secrets": str(folder / "secrets"),
            "/var/lib/appliance": str(folder / "state"),
            "/etc/appliance": str(folder / "config"),
            "/etc/orthanc": str(folder / "orthanc-config"),
            "/run/redis": str(folder / "redis"),
            "--dir /data": f"--dir {folder / 'data'}",
            "/usr/share/orthanc/plugins-available/libOrthancPython.so": str(plugin("libOrthancPython.so")),
            "/usr/share/orthanc/plugins-available/libOrthancDicomWeb.so": str(plugin("libOrthancDicomWeb.so")),
            "1.12.10": _orthanc_version(binary),
            "0.0.0.0": "127.0.0.1",
            "8080": web,
            "8042": http,
            "6379": redis_port,
            "4242": dicom,
        },
    )
    try:
        _start(here, binary)
        yield here
    finally:
        here.stop()


def _start(here: Stage, binary: str) -> None:
    redis = services()["redis"]
    here.start("redis", [*redis["entrypoint"], *redis["command"]])
    wait_for(lambda: here.is_healthy("redis"), "redis")
    for once in ("migrate", "configure"):
        done = here.run(once, [*_appliance(here), *services()[once]["command"]])
        assert done.returncode == 0, done.stdout + done.stderr
    here.start("orthanc", [binary, *services()["orthanc"]["entrypoint"][1:]])
    for name in OURS:
        here.start(name, [*_appliance(here), *services()[name]["command"]])
    for name in ("orthanc", *OURS):
        wait_for(lambda name=name: here.is_healthy(name), f"the health of {name}", 120)


def _appliance(here: Stage) -> list[str]:
    """The image's `appliance`, with the variables that its Dockerfile sets and the host names that Docker gives."""
    places = dict.fromkeys(("REDIS__HOST", "WEB__HOST", "ORTHANC__HOST"), "127.0.0.1")
    given = [f"APPLIANCE_{name}={value}" for name, value in places.items()]
    image = [f"APPLIANCE_CONFIG={here.folder}/config/appliance.toml", f"APPLIANCE_MODELS_DIR={here.folder}/models"]
    python = [f"PYTHONPATH={PROJECT}", "PYTHONDONTWRITEBYTECODE=1"]
    main = "from appliance.cli.main import main; main()"
    return ["env", *given, *image, *python, sys.executable, "-c", main]


def test_a_study_goes_the_whole_way(stage: Stage) -> None:
    said = stage.run("web", [*_appliance(stage), "doctor", "--whole-way", "--json"], 300)
    checks = json.loads(said.stdout)
    assert [(check["part"], check["detail"]) for check in checks if check["state"] == "failed"] == []
    assert [check["state"] for check in checks if check["group"] == "Whole way"] == ["ok"] * 7
    assert {check["part"] for check in checks if check["group"] == "Services"} >= set(OURS)
    assert "postgresql" in next(check["detail"] for check in checks if check["part"] == "ledger")


def test_no_secret_is_in_an_argument_or_a_variable_of_a_process(stage: Stage) -> None:
    values = [file.read_text().strip() for file in (stage.folder / "secrets").iterdir()]
    assert len(values) == 6
    for name, process in stage.running.items():
        for source in ("cmdline", "environ"):
            content = Path(f"/proc/{process.pid}/{source}").read_bytes().decode(errors="replace")
            assert not [value for value in values if value in content], f"{source} of {name}"


def test_orthancs_configuration_is_for_its_owner_only(stage: Stage) -> None:
    assert os.stat(stage.folder / "orthanc-config" / "orthanc.json").st_mode & 0o077 == 0  # noqa: PTH116


def test_a_worker_that_is_gone_is_no_longer_healthy(stage: Stage) -> None:
    scheduler = stage.running.pop("scheduler")
    scheduler.terminate()
    scheduler.wait(timeout=60)
    test = services()["scheduler"]["healthcheck"]["test"][1]
    shell = ["sh", "-c", test.replace("*-", "scheduler-")]
    assert stage.run("scheduler", shell).returncode != 0
