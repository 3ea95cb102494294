"""Services are running, alive and of this version."""

import json
import os
import time
from pathlib import Path

import pytest

from appliance.node import supervision
from appliance.node.health.check import Line, State
from appliance.node.health.services import anything_lives, services
from appliance.node.supervision import ServiceStatus
from appliance.services.presence import Presence
from appliance.settings import Settings


def _runs(monkeypatch: pytest.MonkeyPatch, *names: str, state: str = "RUNNING") -> None:
    running = [ServiceStatus(name=name, state=state, pid=1, since=0.0) for name in names]
    monkeypatch.setattr(supervision, "status", lambda _: running)


def _sign(settings: Settings, service: str) -> Path:
    Presence(settings.signs, service)._give()
    return next(settings.signs.glob(f"{service}-*.json"))


def _lines(settings: Settings) -> dict[str, Line]:
    return {line.part: line for line in services(settings)}


def test_a_node_that_is_down_is_a_warning(settings: Settings) -> None:
    assert [line.state for line in services(settings)] == [State.WARNING]
    assert not anything_lives(settings)


def test_a_service_with_a_fresh_sign_of_this_code_is_well(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _runs(monkeypatch, "web", "redis")
    _sign(settings, "web")
    assert {line.state for line in services(settings)} == {State.OK}


def test_a_process_without_a_sign_is_a_failure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _runs(monkeypatch, "worker-planning")
    assert _lines(settings)["worker-planning"].detail == "gives no sign of life"


def test_a_process_that_fell_silent_is_a_failure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _runs(monkeypatch, "worker-planning")
    old = time.time() - 120
    os.utime(_sign(settings, "worker-planning"), (old, old))
    line = _lines(settings)["worker-planning"]
    assert (line.state, line.detail) == (State.FAILED, "silent for 120 s")


def test_a_process_of_another_version_is_a_failure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _runs(monkeypatch, "web")
    file = _sign(settings, "web")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"code": "older"}), encoding="utf-8")
    assert _lines(settings)["web"].do == "Restart the node: appliance up"


def test_services_that_containers_run_are_known_by_their_signs(settings: Settings) -> None:
    for name in ("web", "worker-planning", "worker-inference-gpu"):
        _sign(settings, name)
    assert anything_lives(settings)
    assert {name: line.state for name, line in _lines(settings).items()} == {
        "web": State.OK,
        "worker-planning": State.OK,
        "worker-inference-gpu": State.OK,
        "scheduler": State.FAILED,
        "worker-inference-cpu": State.FAILED,
    }
