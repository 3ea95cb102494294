"""Which services a node has, how each is started, and that no command line carries a secret."""

from pathlib import Path

import pytest

from appliance.node import services
from appliance.node.services import Service, prepare_services
from appliance.settings import SecretName, Settings
from tests.unit.node.conftest import installation, secret_values


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Orthanc and Redis were installed."""
    monkeypatch.setattr(services, "find_orthanc", lambda _: installation(1, 10, 1))
    monkeypatch.setattr(services, "find_redis", lambda: Path("/opt/redis-server"))


def by_name(settings: Settings, *, demo: bool = False) -> dict[str, Service]:
    return {service.name: service for service in prepare_services(settings, demo=demo)}


def test_a_node_starts_stores_first_and_workers_last(settings: Settings) -> None:
    names = [service.name for service in prepare_services(settings, demo=False)]
    assert names == ["redis", "orthanc", "web", "worker-inference-cpu", "worker-planning", "scheduler"]


def test_the_demonstration_pacs_comes_only_when_asked_for(settings: Settings) -> None:
    assert "demo-pacs" not in by_name(settings)
    assert "demo-pacs" in by_name(settings, demo=True)


def test_a_gpu_gets_a_worker_of_its_own(settings: Settings) -> None:
    assert "worker-inference-gpu" not in by_name(settings)
    worker = settings.worker.model_copy(update={"gpu": True})
    command = by_name(settings.model_copy(update={"worker": worker}))["worker-inference-gpu"].command
    assert command[command.index("--queues") + 1] == "inference-gpu"


def test_planning_and_delivery_never_wait_behind_inference(settings: Settings) -> None:
    made = by_name(settings)
    queues = {
        name: service.command[service.command.index("--queues") + 1]
        for name, service in made.items()
        if "--queues" in service.command
    }
    assert queues == {"worker-planning": "planning,delivery", "worker-inference-cpu": "inference-cpu"}


def test_workers_are_single_processes_with_threads(settings: Settings) -> None:
    worker = settings.worker.model_copy(update={"inference_threads": 3})
    command = by_name(settings.model_copy(update={"worker": worker}))["worker-inference-cpu"].command
    assert command[command.index("--pool") + 1] == "threads"
    assert command[command.index("--concurrency") + 1] == "3"


def test_no_command_line_carries_a_secret(settings: Settings) -> None:
    made = prepare_services(settings, demo=True)
    words = " ".join(word for service in made for word in service.command)
    assert not [secret for secret in secret_values(settings) if secret in words]


def test_redis_asks_for_its_password_and_answers_loopback_only(settings: Settings) -> None:
    prepare_services(settings, demo=False)
    file = settings.state / "run" / "redis.conf"
    lines = file.read_text(encoding="utf-8").splitlines()
    assert f"requirepass {settings.secrets.get(SecretName.REDIS)}" in lines
    assert {"bind 127.0.0.1", "protected-mode yes", "appendonly yes", "maxmemory-policy noeviction"} <= set(lines)
    assert f'dir "{settings.state / "redis"}"' in lines
    assert file.stat().st_mode & 0o077 == 0


def test_every_file_that_is_written_is_for_its_owner_only(settings: Settings) -> None:
    prepare_services(settings, demo=True)
    open_to_others = [path for path in settings.state.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert open_to_others == []
    assert settings.state.stat().st_mode & 0o077 == 0
