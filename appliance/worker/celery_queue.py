"""The queue of the duties (`services.ports.Queue`), on Celery."""

from collections.abc import Callable
from typing import Any

from celery import Celery
from kombu.exceptions import ChannelError, OperationalError
from redis.exceptions import RedisError

from appliance.domain.errors import QueueUnavailable
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import Workitem
from appliance.worker.queues import DELIVER, INFERENCE_CPU, INFERENCE_GPU, MESSAGE_PRIORITY, PLAN_STUDY, RUN_WORKITEM


class CeleryQueue:
    """Sends messages that carry identifiers only. `needs_gpu` tells the device of a workitem's package."""

    def __init__(self, app: Celery, needs_gpu: Callable[[Workitem], bool], *, gpu: bool = True) -> None:
        """gpu: whether anybody fetches what is on the queue of that device."""
        self._app = app
        self._needs_gpu = needs_gpu
        self._fetched = (INFERENCE_CPU, INFERENCE_GPU) if gpu else (INFERENCE_CPU,)

    def plan(self, study: StudyInstanceUID) -> None:
        """See `services.ports.Queue`."""
        self._send(PLAN_STUDY, study)

    def run(self, workitem: Workitem) -> None:
        """See `services.ports.Queue`."""
        queue = INFERENCE_GPU if self._needs_gpu(workitem) else INFERENCE_CPU
        self._send(RUN_WORKITEM, workitem.uid, queue=queue, priority=MESSAGE_PRIORITY[workitem.priority])

    def deliver(self) -> None:
        """See `services.ports.Queue`."""
        self._send(DELIVER)

    def waiting(self) -> int:
        """See `services.ports.Queue`."""
        try:
            with self._app.connection_for_write() as connection:
                return sum(_size(connection.default_channel, queue) for queue in self._fetched)
        except (OperationalError, OSError, RedisError) as error:
            raise QueueUnavailable(type(error).__name__) from error

    def _send(self, task: str, *arguments: str, **options: Any) -> None:
        try:
            self._app.send_task(task, args=arguments, retry=False, **options)
        except (OperationalError, OSError) as error:
            raise QueueUnavailable(type(error).__name__) from error


def _size(channel: Any, queue: str) -> int:
    try:
        return int(channel.queue_declare(queue, passive=True).message_count)
    except ChannelError:
        return 0  # Redis knows no queue that is empty
