"""Ledger and queue."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from appliance.bootstrap import Appliance
from appliance.node.health import work
from appliance.node.health.check import State
from appliance.settings import Settings
from appliance.store.engine import open_ledger
from tests.helpers.services import redis


@pytest.fixture
def ledger_file(settings: Settings) -> Path:
    settings.state.mkdir(parents=True)
    open_ledger(settings.ledger_url).close()
    return settings.state / "ledger.sqlite"


def _execute(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_ledger_that_is_not_made_yet_is_a_warning(settings: Settings) -> None:
    assert [line.state for line in work.ledger(settings)] == [State.WARNING]


def test_a_current_ledger_is_well(settings: Settings, ledger_file: Path) -> None:
    assert [line.state for line in work.ledger(settings)] == [State.OK]


def test_a_ledger_of_a_newer_program_is_a_failure(settings: Settings, ledger_file: Path) -> None:
    _execute(ledger_file, "UPDATE alembic_version SET version_num = 'later'")
    (line,) = work.ledger(settings)
    assert line.state is State.FAILED
    assert "restore the backup" in line.do


def test_a_ledger_that_says_nothing_of_its_schema_is_to_be_migrated(settings: Settings, ledger_file: Path) -> None:
    _execute(ledger_file, "DELETE FROM alembic_version")
    assert [line.state for line in work.ledger(settings)] == [State.WARNING]


def test_an_empty_node_has_nothing_that_waits(settings: Settings, ledger_file: Path) -> None:
    node = Appliance(settings)
    assert {line.state for line in work.work(node)} == {State.OK}
    node.close()


def test_a_queue_that_does_not_answer_is_a_failure(settings: Settings) -> None:
    closed = settings.model_copy(update={"redis": settings.redis.model_copy(update={"port": 1})})
    assert [line.state for line in work.queue(closed)] == [State.FAILED]


@pytest.mark.integration
def test_messages_of_all_priorities_count(settings: Settings, tmp_path: Path) -> None:
    with redis(tmp_path / "redis") as server:
        settings.secrets.path("redis-password").parent.mkdir(parents=True)
        settings.secrets.path("redis-password").write_text(server.password, encoding="ascii")
        there = settings.model_copy(update={"redis": settings.redis.model_copy(update={"port": server.port})})
        client: Any = work._redis(there)
        client.rpush("planning", "one", "two")
        client.rpush("inference-cpu\x06\x163", "three")
        client.set("planning-note", "no list")
        assert work.queue_depth(client) == {"planning": 2, "delivery": 0, "inference-cpu": 1, "inference-gpu": 0}
        assert [line.detail for line in work.queue(there)] == ["2 in planning, 1 in inference-cpu"]
        client.close()
