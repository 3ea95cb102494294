"""The queues, what a message on them looks like, and how Celery is set up for work that must not be lost or doubled."""

from datetime import timedelta
from typing import Any

from celery import Celery
from kombu.entity import Queue as KombuQueue

from appliance.domain.workitem import Priority
from appliance.settings import Settings

PLANNING = "planning"
DELIVERY = "delivery"
INFERENCE_CPU = "inference-cpu"
INFERENCE_GPU = "inference-gpu"
QUEUES = (PLANNING, DELIVERY, INFERENCE_CPU, INFERENCE_GPU)

RECEIVE_INSTANCES = "appliance.receive_instances"
PLAN_STUDY = "appliance.plan_study"
PLAN_DUE = "appliance.plan_due"
RUN_WORKITEM = "appliance.run_workitem"
DELIVER = "appliance.deliver"
POLL_CHANGES = "appliance.poll_changes"
SWEEP = "appliance.sweep"

QUEUE_OF = {
    RECEIVE_INSTANCES: PLANNING,
    PLAN_STUDY: PLANNING,
    PLAN_DUE: PLANNING,
    POLL_CHANGES: PLANNING,
    SWEEP: PLANNING,
    RUN_WORKITEM: INFERENCE_CPU,
    DELIVER: DELIVERY,
}

MESSAGE_PRIORITY = {Priority.HIGH: 0, Priority.MEDIUM: 3, Priority.LOW: 6}
"""Kombu's Redis transport serves the smallest number first."""
PLAN_DUE_EVERY_S = 0.5
_SOCKET_TIMEOUT_S = 5.0


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Celery's configuration.

    A message is acknowledged after the work, and returns when its worker is lost; the visibility timeout is longer
    than any work may take, since Redis would hand out the message a second time. Attempts are counted in the ledger,
    so a message that kills its workers does not return for ever.
    """
    longest_s = 2 * settings.worker.time_limit_s + 60
    return {
        "broker_url": settings.broker_url,
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {
            "visibility_timeout": longest_s,
            "queue_order_strategy": "priority",
            "priority_steps": sorted(MESSAGE_PRIORITY.values()),
            "socket_timeout": _SOCKET_TIMEOUT_S,
            "socket_connect_timeout": _SOCKET_TIMEOUT_S,
            "max_retries": 1,  # of sending: what cannot be sent now is sent by the next sweep
            "interval_start": 0.0,
        },
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_queues": [KombuQueue(name) for name in QUEUES],
        "task_default_queue": PLANNING,
        "task_routes": {task: {"queue": queue} for task, queue in QUEUE_OF.items()},
        "task_publish_retry": False,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,  # what a thread has not begun stays in the queue, behind what is more urgent
        "worker_hijack_root_logger": False,
        "worker_enable_remote_control": False,
        "beat_schedule": beat_schedule(settings),
        "enable_utc": True,
    }


def beat_schedule(settings: Settings) -> dict[str, dict[str, Any]]:
    """What happens when no message makes it happen. A call that came too late is dropped: the next one is near."""
    periods = {
        PLAN_DUE: PLAN_DUE_EVERY_S,
        POLL_CHANGES: settings.worker.poll_s,
        SWEEP: settings.worker.sweep_s,
    }
    return {
        task: {"task": task, "schedule": timedelta(seconds=period), "options": {"expires": max(period, 1.0)}}
        for task, period in periods.items()
    }


def celery_app(settings: Settings) -> Celery:
    """A Celery application that can send and receive the appliance's messages."""
    app = Celery("appliance", set_as_current=False)
    app.conf.update(celery_settings(settings))
    return app
