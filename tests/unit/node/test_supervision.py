"""Starting what is missing, restarting on other settings, and saying which service keeps a node from being ready."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from appliance.domain.errors import NodeNotReady, SettingsError
from appliance.node import supervision, supervisor_client
from appliance.node.services import Service
from appliance.node.supervisor_client import ServiceStatus
from appliance.settings import Settings
from tests.unit.node.conftest import secret_values

SERVICES = (Service(name="one", command=("/bin/true",), order=1),)


class Supervisor:
    """Stands for supervisord: it runs what was launched last."""

    def __init__(self) -> None:
        self.mark: str | None = None
        self.states: dict[str, str] = {}
        self.calls: list[str] = []

    def launch(self, _: Settings, file: Path, __: dict[str, str]) -> None:
        self.calls.append("launch")
        lines = file.read_text(encoding="utf-8").splitlines()
        self.mark = next(line.split(" = ")[1] for line in lines if line.startswith("identifier"))
        self.states = {"one": "RUNNING"}

    def services(self, _: Settings) -> list[ServiceStatus]:
        return [ServiceStatus(name=name, state=state, pid=1, since=0.0) for name, state in self.states.items()]

    def shut_down(self, *_: Any) -> None:
        self.calls.append("shut down")
        self.mark, self.states = None, {}


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    stand_in = Supervisor()
    monkeypatch.setattr(supervision, "prepare_services", lambda settings, demo: SERVICES)
    monkeypatch.setattr(supervision, "_launch", stand_in.launch)
    monkeypatch.setattr(supervision, "require_free_ports", lambda ports: None)
    monkeypatch.setattr(supervisor_client, "identity", lambda settings: stand_in.mark)
    monkeypatch.setattr(supervisor_client, "services", stand_in.services)
    monkeypatch.setattr(supervisor_client, "shut_down", stand_in.shut_down)
    monkeypatch.setattr(supervisor_client, "end_leftovers", lambda *_: stand_in.calls.append("end leftovers"))
    monkeypatch.setattr(supervisor_client, "start_stopped", lambda _: stand_in.calls.append("start stopped"))
    return stand_in


def test_a_node_that_does_not_run_is_launched_with_a_ledger_that_is_migrated(
    settings: Settings, supervisor: Supervisor
) -> None:
    settings.state.mkdir(parents=True)
    supervision.start(settings)
    assert supervisor.calls == ["end leftovers", "launch"]
    assert (settings.state / "ledger.sqlite").is_file()


def test_the_same_settings_again_only_start_what_is_stopped(settings: Settings, supervisor: Supervisor) -> None:
    settings.state.mkdir(parents=True)
    supervision.start(settings)
    supervisor.calls.clear()
    supervision.start(settings)
    assert supervisor.calls == ["start stopped"]


def test_other_settings_restart_the_node(settings: Settings, supervisor: Supervisor) -> None:
    settings.state.mkdir(parents=True)
    supervision.start(settings)
    supervisor.calls.clear()
    changed = settings.model_copy(update={"report": settings.report.model_copy(update={"language": "de"})})
    supervision.start(changed)
    assert supervisor.calls == ["shut down", "end leftovers", "launch"]


def test_the_foreground_becomes_the_supervisor(
    settings: Settings, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.state.mkdir(parents=True)
    became: list[Any] = []
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr(os, "execve", lambda *arguments: became.append(arguments))
    supervision.stay(settings)
    ((program, command, environment),) = became
    assert (program, command[1:3]) == (command[0], ["-m", "appliance.node.supervisord"])
    assert Path(command[-1]).is_file()
    assert environment["APPLIANCE_HOME"] == str(settings.home)


def test_a_node_that_systemd_keeps_is_restarted_there(
    settings: Settings, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.state.mkdir(parents=True)
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr(os, "execve", lambda *_: None)
    supervision.stay(settings)
    assert not supervision.is_kept(settings), "it does not answer yet"
    supervisor.mark = "appliance-of-other-settings"
    assert supervision.is_kept(settings)
    with pytest.raises(SettingsError, match="systemctl restart"):
        supervision.start(settings)
    supervisor.mark = None
    supervision.start(settings)
    assert not supervision.is_kept(settings)


def test_a_node_that_runs_is_not_taken_over_by_a_foreground(settings: Settings, supervisor: Supervisor) -> None:
    settings.state.mkdir(parents=True)
    supervision.start(settings)
    supervisor.calls.clear()
    with pytest.raises(SettingsError, match="runs already"):
        supervision.stay(settings)
    assert supervisor.calls == []


def test_a_port_in_use_stops_the_start_before_anything_is_launched(
    settings: Settings, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: dict[str, int]) -> None:
        raise SettingsError("port 4242 is used", where="dicom.port")

    monkeypatch.setattr(supervision, "require_free_ports", refuse)
    with pytest.raises(SettingsError, match="4242"):
        supervision.start(settings)
    assert "launch" not in supervisor.calls


def test_what_is_not_ready_is_named_with_its_last_words_and_its_log(settings: Settings, supervisor: Supervisor) -> None:
    supervisor.states = {"one": "BACKOFF"}
    log = settings.state / "logs" / "one.log"
    log.parent.mkdir(parents=True)
    log.write_text("first\nsecond\nthird\nno such port\n", encoding="utf-8")
    with pytest.raises(NodeNotReady, match=r"one is not ready: second / third / no such port .*one\.log") as failed:
        supervision.wait_ready(settings, 0.2)
    assert failed.value.where == "one"


def test_a_worker_is_ready_once_it_gives_a_sign_of_life(settings: Settings, supervisor: Supervisor) -> None:
    supervisor.states = {"worker-planning": "RUNNING"}
    with pytest.raises(NodeNotReady, match="worker-planning is not ready"):
        supervision.wait_ready(settings, 0.1)
    settings.signs.mkdir(parents=True)
    sign = {"service": "worker-planning", "host": "h", "pid": 1, "version": "1", "code": "c"}
    (settings.signs / "worker-planning-h.json").write_text(json.dumps(sign), encoding="utf-8")
    with pytest.raises(NodeNotReady, match="web is not ready"):
        supervision.wait_ready(settings, 0.1)


def test_a_node_whose_web_service_does_not_answer_is_not_ready(settings: Settings, supervisor: Supervisor) -> None:
    supervisor.states = {"one": "RUNNING"}
    web = settings.web.model_copy(update={"port": 1})
    with pytest.raises(NodeNotReady, match="web is not ready: it says nothing") as failed:
        supervision.wait_ready(settings.model_copy(update={"web": web}), 0.2)
    assert not [secret for secret in secret_values(settings) if secret in str(failed.value)]
