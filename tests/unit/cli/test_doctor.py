"""`appliance doctor`: one line a part, and what to do about what is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from appliance.cli import context, doctor
from appliance.cli.output import ExitCode
from appliance.node import supervision
from appliance.node.supervision import ServiceStatus
from tests.unit.cli.conftest import SETTINGS, Run


@pytest.fixture(autouse=True)
def nothing_around(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No destination, no missing packages, enough disk: what is left is this home alone."""
    (home / "appliance.toml").write_text(SETTINGS.split("[[destinations]]")[0], encoding="utf-8")
    monkeypatch.setattr(doctor, "missing_packages", lambda _: [])
    monkeypatch.setattr(doctor, "_LOW_DISK_GIB", 0)


def parts(run: Run) -> dict[str, dict[str, str]]:
    return {row["part"]: row for row in run("doctor", "--json").data}


def test_a_node_that_is_not_started_is_no_failure(run: Run, home: Path) -> None:
    ended = run("doctor", "--json")
    assert ended.code == ExitCode.DONE
    assert {row["part"]: row["state"] for row in ended.data} == {
        "settings": "ok",
        "system packages": "ok",
        "disk": "ok",
        "blob@1.0.0": "ok",
        "rules": "ok",
        "ledger": "ok",
        "services": "warning",
    }


def test_missing_packages_come_with_the_command(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "missing_packages", lambda _: ["orthanc", "dcmtk"])
    assert parts(run)["system packages"]["do"] == "apt-get install orthanc dcmtk"
    assert run("doctor").code == ExitCode.FAILED


def test_little_disk_is_a_warning(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_LOW_DISK_GIB", 10**9)
    assert parts(run)["disk"]["state"] == "warning"
    assert run("doctor").code == ExitCode.DONE


def test_a_model_without_weights_is_a_warning_and_an_invalid_one_a_failure(run: Run, home: Path) -> None:
    folder = home / "models" / "blob" / "1.0.0"
    (folder / "model.onnx").unlink()
    assert parts(run)["blob@1.0.0"]["state"] == "warning"
    (folder / "manifest.toml").write_text("nonsense", encoding="utf-8")
    assert parts(run)["blob@1.0.0"]["state"] == "failed"


def test_invalid_rules_are_a_failure(run: Run, home: Path) -> None:
    (home / "rules.toml").write_text("nonsense", encoding="utf-8")
    assert parts(run)["rules"]["state"] == "failed"


def test_a_service_that_died_names_its_log(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = ServiceStatus(name="redis", state="FATAL", pid=None, since=None)
    monkeypatch.setattr(supervision, "status", lambda _: (service,))
    row = parts(run)["redis"]
    assert row["state"] == "failed"
    assert row["do"].endswith("redis.log")
    assert parts(run)["services"]["state"] == "failed"


def test_a_destination_that_does_not_answer_is_a_failure(run: Run, home: Path) -> None:
    (home / "appliance.toml").write_text(SETTINGS, encoding="utf-8")
    row = parts(run)["destinations"]
    assert row["state"] == "failed"
    assert "pacs" in row["detail"]


def test_a_state_folder_that_is_none_is_a_failure_and_no_traceback(run: Run, home: Path) -> None:
    (home / "appliance.toml").write_text('state_dir = "appliance.toml"', encoding="utf-8")
    assert parts(run)["disk"]["state"] == "failed"
    assert parts(run)["ledger"]["state"] == "failed"


def test_stuck_deliveries_are_a_warning(run: Run, worked_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (worked_home / "appliance.toml").write_text(SETTINGS.split("[[destinations]]")[0], encoding="utf-8")
    delivery = context.appliance().outbox.take(timedelta(0))[0]
    context.appliance().outbox.dead(delivery, "destination-refused", "no")
    row = parts(run)["deliveries"]
    assert (row["state"], row["detail"]) == ("warning", "1 stuck: orthanc")
