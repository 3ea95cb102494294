"""Hands announced instances to the planning worker: Celery carries their identifiers, nothing else."""

from collections.abc import Mapping

from celery import Celery
from kombu.exceptions import OperationalError

from appliance.domain.errors import QueueUnavailable
from appliance.settings import Settings

RECEIVE_TASK = "appliance.receive_instances"
PLANNING_QUEUE = "planning"
_SOCKET_S = 3.0


class AnnouncementQueue:
    """Puts identifiers of Orthanc instances on the planning queue."""

    def __init__(self, settings: Settings) -> None:
        self._celery = Celery("appliance-web", broker=settings.broker_url)
        self._celery.conf.update(
            broker_transport_options={
                "socket_timeout": _SOCKET_S,
                "socket_connect_timeout": _SOCKET_S,
                "max_retries": 1,  # the plugin tries again by itself, and waits two seconds for an answer
                "interval_start": 0.0,
            },
            task_ignore_result=True,
        )

    def receive_instances(self, received: Mapping[str, float]) -> None:
        """Queue the identifiers with the moments of their reception. Raises QueueUnavailable; the plugin then tries
        again.
        """
        try:
            self._celery.send_task(RECEIVE_TASK, args=[dict(received)], queue=PLANNING_QUEUE, retry=False)
        except (OperationalError, OSError) as error:
            raise QueueUnavailable(type(error).__name__) from error

    def check(self) -> None:
        """Raise QueueUnavailable unless Redis answers."""
        try:
            with self._celery.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=_SOCKET_S)
                connection.default_channel.client.ping()
        except (OperationalError, OSError) as error:
            raise QueueUnavailable(type(error).__name__) from error
