"""How Celery is set up: nothing is lost with a worker, nothing is handed out twice while work goes on."""

from pathlib import Path

import pytest

from appliance.domain.workitem import Priority
from appliance.settings import SecretName, Settings, WorkerSettings
from appliance.worker.queues import (
    DELIVER,
    MESSAGE_PRIORITY,
    POLL_CHANGES,
    QUEUE_OF,
    QUEUES,
    RUN_WORKITEM,
    SWEEP,
    beat_schedule,
    celery_app,
    celery_settings,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def test_a_message_is_acknowledged_after_the_work_and_returns_when_its_worker_dies(settings: Settings) -> None:
    made = celery_settings(settings)
    assert made["task_acks_late"] is True
    assert made["task_reject_on_worker_lost"] is True
    assert made["worker_prefetch_multiplier"] == 1


@pytest.mark.parametrize("limit_s", [10.0, 1800.0, 7200.0])
def test_no_message_is_handed_out_again_while_its_work_may_go_on(settings: Settings, limit_s: float) -> None:
    worker = WorkerSettings(time_limit_s=limit_s)
    made = celery_settings(settings.model_copy(update={"worker": worker}))
    assert made["broker_transport_options"]["visibility_timeout"] > limit_s


def test_only_json_is_accepted_and_nobody_controls_workers_through_the_queue(settings: Settings) -> None:
    made = celery_settings(settings)
    assert (made["task_serializer"], made["accept_content"]) == ("json", ["json"])
    assert made["worker_enable_remote_control"] is False
    assert made["task_ignore_result"] is True


def test_the_most_urgent_message_is_served_first(settings: Settings) -> None:
    order = sorted(Priority, key=MESSAGE_PRIORITY.__getitem__)
    assert order == [Priority.HIGH, Priority.MEDIUM, Priority.LOW]
    options = celery_settings(settings)["broker_transport_options"]
    assert options["queue_order_strategy"] == "priority"
    assert options["priority_steps"] == sorted(MESSAGE_PRIORITY.values())


def test_every_message_has_a_queue_that_somebody_reads(settings: Settings) -> None:
    assert set(QUEUE_OF.values()) <= set(QUEUES)
    assert {queue.name for queue in celery_settings(settings)["task_queues"]} == set(QUEUES)
    assert QUEUE_OF[DELIVER] != QUEUE_OF[RUN_WORKITEM]


def test_what_no_message_makes_happen_happens_by_the_clock_and_does_not_pile_up(settings: Settings) -> None:
    worker = WorkerSettings(sweep_s=0.25, poll_s=7.0)
    schedule = beat_schedule(settings.model_copy(update={"worker": worker}))
    periods = {task: entry["schedule"].total_seconds() for task, entry in schedule.items()}
    assert (periods[SWEEP], periods[POLL_CHANGES]) == (0.25, 7.0)
    assert {task: entry["options"]["expires"] for task, entry in schedule.items()} == {
        task: max(period, 1.0) for task, period in periods.items()
    }


def test_an_application_is_nobodys_default_and_hides_the_password_of_the_queue(settings: Settings) -> None:
    app = celery_app(settings)
    assert app.conf.broker_url == settings.broker_url
    assert settings.secrets.get(SecretName.REDIS) not in app.connection_for_write().as_uri()


def test_a_queue_that_is_gone_is_given_up_at_once_because_the_sweep_comes_back(settings: Settings) -> None:
    options = celery_settings(settings)["broker_transport_options"]
    assert (options["max_retries"], options["interval_start"]) == (1, 0)
