"""`appliance secrets`."""

from pathlib import Path
from typing import Any

import pytest

from appliance.cli import context
from appliance.cli.output import ExitCode
from appliance.node import supervision
from appliance.node.supervision import ServiceStatus
from appliance.settings import SecretName
from tests.unit.cli.conftest import Run


def _secrets() -> dict[str, str]:
    return {name: context.settings().secrets.get(name) for name in SecretName}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done to a node that is down."""
    done: list[str] = []
    monkeypatch.setattr(supervision, "status", lambda _: [])
    monkeypatch.setattr(supervision, "is_kept", lambda _: False)
    monkeypatch.setattr(supervision, "stop", lambda _: done.append("stop"))
    monkeypatch.setattr(supervision, "start", lambda _, *, demo: done.append(f"start demo={demo}"))
    monkeypatch.setattr(supervision, "wait_ready", lambda _: done.append("ready"))
    return done


def test_the_list_shows_names_and_never_values(run: Run, home: Path) -> None:
    values = _secrets()
    said = run("secrets", "list", "--json")
    assert {row["name"] for row in said.data} == set(SecretName)
    assert not [value for value in values.values() if value in said.out]


def test_one_is_renewed_and_the_others_stay(run: Run, home: Path, calls: list[str]) -> None:
    before = _secrets()
    assert run("secrets", "rotate", "redis-password").code == ExitCode.DONE
    after = _secrets()
    assert {name for name in SecretName if after[name] != before[name]} == {"redis-password"}
    assert context.settings().secrets.path("redis-password").stat().st_mode & 0o077 == 0
    assert calls == []


def test_all_are_renewed_and_a_node_that_runs_gets_them(
    run: Run, home: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running: Any = [ServiceStatus(name=name, state="RUNNING", pid=1, since=0.0) for name in ("web", "demo-pacs")]
    monkeypatch.setattr(supervision, "status", lambda _: running)
    before = _secrets()
    said = run("secrets", "rotate", "all")
    assert "The node runs with it." in said.out
    after = _secrets()
    assert not [name for name in SecretName if after[name] == before[name]]
    assert not [value for value in after.values() if value in said.out + said.err]
    assert calls == ["stop", "start demo=True", "ready"]


def test_a_node_under_systemd_is_left_to_systemd(
    run: Run, home: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    running: Any = [ServiceStatus(name="web", state="RUNNING", pid=1, since=0.0)]
    monkeypatch.setattr(supervision, "status", lambda _: running)
    monkeypatch.setattr(supervision, "is_kept", lambda _: True)
    assert "systemctl restart appliance" in run("secrets", "rotate", "all").out
    assert calls == []


def test_a_name_that_is_none_changes_nothing(run: Run, home: Path, calls: list[str]) -> None:
    before = _secrets()
    said = run("secrets", "rotate", "nonsense")
    assert (said.code, "upload-token" in said.err) == (ExitCode.USAGE, True)
    assert _secrets() == before


def test_mounted_secrets_are_not_ours_to_change(run: Run, home: Path, calls: list[str]) -> None:
    (home / "mounted").mkdir()
    (home / "appliance.toml").write_text('secrets_dir = "mounted"\n', encoding="utf-8")
    assert run("secrets", "rotate", "all").code == ExitCode.USAGE
    assert list((home / "mounted").iterdir()) == []
