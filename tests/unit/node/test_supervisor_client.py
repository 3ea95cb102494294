"""Talking with supervisord, one that is there and one that is not; and what a killed one has left behind."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from appliance.node import supervisor_client
from appliance.node.environment import MARK
from appliance.node.files import socket_path, write_private
from appliance.node.services import Service
from appliance.node.supervisor_config import supervisor_configuration
from appliance.settings import Settings
from tests.helpers.services import redis, wait_for

SLEEP = Service(name="sleeper", command=(sys.executable, "-c", "import time; time.sleep(600)"), order=10)


@pytest.fixture
def running(settings: Settings) -> Iterator[Settings]:
    """A supervisord that runs one service."""
    text = supervisor_configuration(settings, (SLEEP,), socket_path(settings.state), "mark-1")
    file = write_private(settings.state / "run" / "supervisor.conf", text)
    command = [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(file)]
    process = subprocess.Popen(
        command,
        cwd=settings.state,
        env=os.environ | {MARK: str(settings.state)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(lambda: supervisor_client.identity(settings), "supervisord")
        yield settings
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_a_node_that_does_not_run_has_no_identity_and_no_services(settings: Settings) -> None:
    assert supervisor_client.identity(settings) is None
    assert supervisor_client.services(settings) == []


def test_a_running_node_tells_its_settings_and_services_and_ends_when_asked(running: Settings) -> None:
    assert supervisor_client.identity(running) == "mark-1"
    (service,) = supervisor_client.services(running)
    assert service.name == "sleeper"
    assert service.pid is not None
    assert service.since is not None
    supervisor_client.shut_down(running, 30)
    assert supervisor_client.identity(running) is None
    assert not psutil.pid_exists(service.pid)


def test_leftovers_of_this_node_end_and_those_of_another_stay(settings: Settings, tmp_path: Path) -> None:
    def start(state: Path) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(SLEEP.command, env=os.environ | {MARK: str(state)})

    ours, other = start(settings.state), start(tmp_path / "another")
    try:
        wait_for(lambda: psutil.Process(ours.pid).environ().get(MARK), "the process")
        supervisor_client.end_leftovers(settings, 5)
        assert not psutil.pid_exists(ours.pid)
        assert other.poll() is None
    finally:
        for process in (ours, other):
            process.kill()
            process.wait()


@pytest.mark.integration
def test_a_redis_that_was_left_behind_is_ended_though_it_wrote_over_its_environment(
    settings: Settings, tmp_path: Path
) -> None:
    with redis(settings.state / "redis") as ours, redis(tmp_path / "another") as another:
        supervisor_client.end_leftovers(settings, 20)
        assert ours.process.wait(timeout=20) is not None
        assert another.process.poll() is None
