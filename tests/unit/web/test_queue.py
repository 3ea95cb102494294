"""Announcements go on by the queue that planning reads, and a queue that is away has one name."""

from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from appliance.domain.errors import QueueUnavailable
from appliance.settings import RedisSettings, Settings
from appliance.web.queue import PLANNING_QUEUE, RECEIVE_TASK, AnnouncementQueue
from appliance.worker.queues import PLANNING, QUEUE_OF, RECEIVE_INSTANCES
from tests.helpers.services import free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, redis=RedisSettings(port=free_port()))


def test_the_names_are_those_that_the_worker_listens_to() -> None:
    assert (RECEIVE_TASK, PLANNING_QUEUE) == (RECEIVE_INSTANCES, PLANNING)
    assert QUEUE_OF[RECEIVE_TASK] == PLANNING_QUEUE


def test_only_identifiers_and_moments_travel(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(Celery, "send_task", lambda self, name, **options: sent.append((name, options)))
    AnnouncementQueue(settings).receive_instances({"a": 1.5, "b": 2.0})
    assert sent == [(RECEIVE_TASK, {"args": [{"a": 1.5, "b": 2.0}], "queue": PLANNING_QUEUE, "retry": False})]


def test_a_redis_that_is_away_is_unavailable(settings: Settings) -> None:
    queue = AnnouncementQueue(settings)
    with pytest.raises(QueueUnavailable):
        queue.receive_instances({"a": 1.0})
    with pytest.raises(QueueUnavailable):
        queue.check()
