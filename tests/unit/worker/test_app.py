"""Tasks are thin: each calls one duty with what the message carries, and a service that is away is no error."""

import importlib
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pytest

from appliance.domain.errors import ModelPackageError, OrthancUnavailable
from appliance.domain.workitem import REPORT_PACKAGE
from appliance.worker.queues import QUEUE_OF
from tests.unit.store.conftest import workitem


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The module as a worker imports it, with settings of its own; once, since Celery remembers every task."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("APPLIANCE_HOME", str(tmp_path_factory.mktemp("home")))
        environment.setenv("APPLIANCE_WORKER", '{"gpu": true}')
        module = importlib.import_module("appliance.worker.app")
    yield module
    module.app.close()


@pytest.fixture
def worker(imported: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, with an appliance `node` that only remembers what was asked of it."""
    node = Mock()
    monkeypatch.setattr(imported, "appliance", lambda: node)
    monkeypatch.setattr(imported, "node", node, raising=False)
    return imported


@pytest.mark.parametrize(
    ("task", "arguments", "duty"),
    [
        ("poll_changes", (), "intake.poll"),
        ("plan_study", ("1.2",), "planner.plan_if_complete"),
        ("plan_due", (), "planner.plan_due"),
        ("deliver", (), "courier.start_due"),
        ("sweep", (), "sweeper.sweep"),
    ],
)
def test_each_message_calls_its_duty_once(worker: Any, task: str, arguments: tuple[Any, ...], duty: str) -> None:
    getattr(worker, task)(*arguments)
    service, method = duty.split(".")
    getattr(getattr(worker.node, service), method).assert_called_once_with(*arguments)


def test_announced_instances_are_taken_over_with_the_moments_of_their_reception(worker: Any) -> None:
    worker.receive_instances({"a": 0.0, "b": 1.5})
    moments = {"a": datetime(1970, 1, 1, tzinfo=UTC), "b": datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)}
    worker.node.intake.receive.assert_called_once_with(["a", "b"], moments)


def test_a_workitem_is_attempted_in_the_name_of_this_worker(worker: Any) -> None:
    worker.run_workitem("1.2")
    ((uid, name), _) = worker.node.work.run.call_args
    assert uid == "1.2"
    assert name


def test_every_message_that_can_be_sent_is_understood(worker: Any) -> None:
    assert set(QUEUE_OF) <= set(worker.app.tasks)


@pytest.mark.parametrize("task", ["receive_instances", "poll_changes"])
def test_an_orthanc_that_is_away_is_asked_again_later(worker: Any, task: str) -> None:
    worker.node.intake.receive.side_effect = worker.node.intake.poll.side_effect = OrthancUnavailable()
    arguments = ({"a": 0.0},) if task == "receive_instances" else ()
    getattr(worker, task)(*arguments)


def test_a_defect_is_not_swallowed(worker: Any) -> None:
    worker.node.intake.poll.side_effect = ValueError()
    with pytest.raises(ValueError):
        worker.poll_changes()


def test_only_packages_that_prefer_another_device_go_to_the_gpu(worker: Any) -> None:
    def prefers(*providers: str) -> bool:
        worker.node.package.return_value.runtime.providers = providers
        return bool(worker._needs_gpu(workitem()))

    assert prefers("CUDAExecutionProvider", "CPUExecutionProvider")
    assert not prefers("CPUExecutionProvider")
    worker.node.package.side_effect = ModelPackageError()
    assert not prefers("CUDAExecutionProvider")
    assert not worker._needs_gpu(workitem(REPORT_PACKAGE, series=None))


def test_an_orderly_stop_hands_back_what_is_held_and_makes_nothing_for_it(worker: Any) -> None:
    worker._hand_back()
    worker.node.analyst.hand_back.assert_not_called()
    worker.node.__dict__["analyst"] = analyst = Mock()
    worker._hand_back()
    analyst.hand_back.assert_called_once_with()


def test_a_worker_with_work_that_never_ends_hands_the_rest_back_and_ends(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(worker.os, "_exit", ended.append)
    worker._begin_anew()
    worker.node.analyst.hand_back.assert_called_once_with()
    assert ended == [worker.os.EX_SOFTWARE]
