"""`appliance doctor`: one line a part, and what to do about what is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from appliance.cli import context
from appliance.cli.output import ExitCode
from appliance.node import supervision
from appliance.node.health import machine, software
from appliance.node.supervision import ServiceStatus
from tests.unit.cli.conftest import SETTINGS, Run


@pytest.fixture(autouse=True)
def nothing_around(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No destination, no missing packages, enough disk: what is left is this home alone."""
    (home / "appliance.toml").write_text(SETTINGS.split("[[destinations]]")[0], encoding="utf-8")
    monkeypatch.setattr(software, "missing_packages", lambda _: [])
    monkeypatch.setattr(software, "_first_version", lambda program: "1.0")
    monkeypatch.setattr(machine, "LOW_GIB", 0)
    monkeypatch.setattr(machine, "is_free", lambda port: True)
    monkeypatch.setattr(machine, "_listeners", dict)


def parts(run: Run, *options: str) -> dict[str, dict[str, str]]:
    return {row["part"]: row for row in run("doctor", "--json", *options).data}


def test_a_node_that_is_not_started_is_no_failure(run: Run, home: Path) -> None:
    ended = run("doctor", "--json")
    assert ended.code == ExitCode.DONE
    assert {row["part"] for row in ended.data if row["state"] != "ok"} == {"ledger", "services"}
    assert {"settings", "disk of state", "secrets", "Orthanc", "blob@1.0.0", "rules"} <= {
        row["part"] for row in ended.data
    }


def test_looking_at_the_ledger_does_not_make_it(run: Run, home: Path) -> None:
    run("doctor", "--json")
    assert not (home / "state" / "ledger.sqlite").exists()


def test_what_is_not_well_stands_with_what_to_do(run: Run, home: Path) -> None:
    said = run("doctor").out
    assert "the node does not run" in said
    assert "→ Start it with `appliance up`." in said
    assert "2 warnings · no failure" in said


def test_deep_runs_the_models(run: Run, home: Path) -> None:
    assert parts(run, "--deep")["blob@1.0.0"]["detail"] == "files as in the manifest; no golden case"
    (home / "models" / "blob" / "1.0.0" / "model.onnx").write_bytes(b"another")
    assert parts(run)["blob@1.0.0"]["state"] == "ok"
    assert parts(run, "--deep")["blob@1.0.0"]["state"] == "failed"


def test_missing_packages_come_with_the_command(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(software, "missing_packages", lambda _: ["orthanc", "dcmtk"])
    assert parts(run)["system packages"]["do"] == "As root: apt-get install --no-install-recommends orthanc dcmtk"
    assert run("doctor").code == ExitCode.FAILED


def test_little_disk_is_a_warning(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "LOW_GIB", 10**9)
    assert parts(run)["disk of state"]["state"] == "warning"
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
    assert parts(run)["Orthanc answers"]["state"] == "failed"


def test_a_destination_that_does_not_answer_is_a_failure(run: Run, home: Path) -> None:
    (home / "appliance.toml").write_text(SETTINGS, encoding="utf-8")
    row = parts(run)["to pacs"]
    assert row["state"] == "failed"
    assert "no connection" in row["detail"]
    assert "firewall" in row["do"]


def test_a_state_folder_that_is_none_is_a_failure_and_no_traceback(run: Run, home: Path) -> None:
    (home / "appliance.toml").write_text('state_dir = "appliance.toml"', encoding="utf-8")
    assert parts(run)["disk"]["state"] == "failed"
    assert run("doctor").code == ExitCode.FAILED


def test_stuck_deliveries_are_a_warning(run: Run, worked_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (worked_home / "appliance.toml").write_text(SETTINGS.split("[[destinations]]")[0], encoding="utf-8")
    delivery = context.appliance().outbox.take(timedelta(0))[0]
    context.appliance().outbox.dead(delivery, "destination-refused", "no")
    row = parts(run)["deliveries"]
    assert (row["state"], row["detail"]) == ("warning", "1 stuck: orthanc")
