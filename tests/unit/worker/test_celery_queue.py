"""Messages carry identifiers only, go to the right device with the right priority, and failures have one name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from appliance.domain.errors import QueueUnavailable
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import Priority, Workitem
from appliance.settings import SecretName, Settings
from appliance.worker.celery_queue import CeleryQueue
from appliance.worker.queues import (
    DELIVER,
    INFERENCE_CPU,
    INFERENCE_GPU,
    MESSAGE_PRIORITY,
    PLAN_STUDY,
    RUN_WORKITEM,
    celery_app,
)
from tests.helpers.services import RedisServer, redis
from tests.unit.store.conftest import STUDY, workitem


class Broker(Celery):
    """Keeps what is sent, or fails as told."""

    def __init__(self) -> None:
        super().__init__("test", set_as_current=False)
        self.sent: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.fails: Exception | None = None

    def send_task(self, name: str, args: Any = (), **options: Any) -> None:
        if self.fails:
            raise self.fails
        self.sent.append((name, tuple(args), options))


@pytest.fixture
def broker() -> Iterator[Broker]:
    made = Broker()
    yield made
    made.close()


def queue(broker: Broker, *, gpu: bool = False) -> CeleryQueue:
    return CeleryQueue(broker, lambda _: gpu)


@pytest.mark.parametrize("priority", list(Priority))
def test_a_workitem_goes_with_its_priority_and_nothing_but_its_uid(broker: Broker, priority: Priority) -> None:
    item: Workitem = workitem(priority=priority)
    queue(broker).run(item)
    ((name, arguments, options),) = broker.sent
    assert (name, arguments) == (RUN_WORKITEM, (item.uid,))
    assert options["priority"] == MESSAGE_PRIORITY[priority]


def test_the_device_decides_the_queue(broker: Broker) -> None:
    queue(broker).run(workitem())
    queue(broker, gpu=True).run(workitem())
    assert [options["queue"] for _, _, options in broker.sent] == [INFERENCE_CPU, INFERENCE_GPU]


def test_studies_and_deliveries_need_no_more_than_a_name(broker: Broker) -> None:
    queue(broker).plan(STUDY)
    queue(broker).deliver()
    assert [(name, arguments) for name, arguments, _ in broker.sent] == [(PLAN_STUDY, (STUDY,)), (DELIVER, ())]


@pytest.mark.parametrize("error", [OperationalError("gone"), ConnectionRefusedError(), TimeoutError()], ids=repr)
def test_a_queue_that_does_not_answer_has_one_name(broker: Broker, error: Exception) -> None:
    broker.fails = error
    for send in (
        lambda: queue(broker).run(workitem()),
        lambda: queue(broker).plan(StudyInstanceUID("1.2")),
        lambda: queue(broker).deliver(),
    ):
        with pytest.raises(QueueUnavailable):
            send()


def test_sending_never_waits_for_a_queue_that_is_gone(broker: Broker) -> None:
    queue(broker).deliver()
    assert broker.sent[0][2]["retry"] is False


@pytest.mark.integration
def test_messages_that_nobody_has_fetched_are_counted_whatever_their_priority(tmp_path: Path) -> None:
    with redis(tmp_path) as server:
        app = celery_app(on_queue(tmp_path, server))
        sent = CeleryQueue(app, lambda item: item.package == "on-gpu")
        assert sent.waiting() == 0
        for priority in Priority:
            sent.run(workitem(priority=priority))
        sent.run(workitem("on-gpu"))
        sent.deliver()
        assert sent.waiting() == 4
        assert CeleryQueue(app, lambda _: False, gpu=False).waiting() == 3
    with pytest.raises(QueueUnavailable):
        sent.waiting()


def on_queue(home: Path, server: RedisServer) -> Settings:
    """A node whose queue is this Redis."""
    secret = Settings(home=home).secrets.path(SecretName.REDIS)
    secret.parent.mkdir(parents=True)
    secret.write_text(server.password)
    return Settings(home=home, redis={"port": server.port})
