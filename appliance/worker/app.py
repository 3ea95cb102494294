"""The Celery application of the workers and the scheduler: thin tasks over the duties of the appliance.

`celery --app appliance.worker.app` finds `app` here. Importing this module reads the settings; the ledger and the
models are opened by the first task that needs them.
"""

import atexit
import os
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from celery.signals import (
    beat_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)

from appliance.bootstrap import Appliance
from appliance.domain.errors import ModelPackageError, TransientError
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.domain.workitem import REPORT_PACKAGE, Workitem
from appliance.logs import configure_logs, get_logger
from appliance.services.presence import Presence
from appliance.settings import load_settings
from appliance.worker.celery_queue import CeleryQueue
from appliance.worker.queues import (
    DELIVER,
    PLAN_DUE,
    PLAN_STUDY,
    POLL_CHANGES,
    RECEIVE_INSTANCES,
    RUN_WORKITEM,
    SWEEP,
    celery_app,
)
from appliance.worker.watchdog import Watchdog

settings = load_settings()
app = celery_app(settings)
_log = get_logger(__name__)
_WORKER = socket.gethostname()
SCHEDULER = "scheduler"
PLANNER = "worker-planning"


@cache
def appliance() -> Appliance:
    """The appliance of this process; its duties send their messages through `app`."""
    return Appliance(settings, queue=CeleryQueue(app, _needs_gpu, gpu=settings.worker.gpu), stuck=_begin_anew)


def _begin_anew() -> None:
    """Work that cannot be stopped holds a thread: hand the rest back and end; the supervisor starts this again."""
    _log.error("ended for work that does not end", handed_back=appliance().analyst.hand_back())
    os._exit(os.EX_SOFTWARE)


def _needs_gpu(workitem: Workitem) -> bool:
    """Whether the package prefers a provider that only the GPU worker offers."""
    if not settings.worker.gpu or workitem.package == REPORT_PACKAGE:
        return False
    try:
        package = appliance().package(workitem.package, workitem.version)
    except ModelPackageError:
        return False
    return package.runtime.providers[0] != "CPUExecutionProvider"


@setup_logging.connect
def _logs(**_: Any) -> None:
    configure_logs()


@worker_ready.connect
def _worker_lives(sender: Any, **_: Any) -> None:
    service = sender.hostname.split("@")[0]
    _live(service)
    if service == PLANNER:
        _watchdog.start()


def _lost() -> None:
    _log.error("ended for having lost the queue")
    os._exit(os.EX_TEMPFAIL)


_watchdog = Watchdog(_lost)


@task_prerun.connect
def _began(**_: Any) -> None:
    _watchdog.began()


@task_postrun.connect
def _ended(**_: Any) -> None:
    _watchdog.ended()


@beat_init.connect
def _scheduler_lives(**_: Any) -> None:
    _live(SCHEDULER)


def _live(service: str) -> None:
    """Give signs of life until the process ends."""
    presence = Presence(settings.signs, service)
    presence.start()
    atexit.register(presence.stop)


@worker_shutting_down.connect
def _hand_back(**_: Any) -> None:
    """An orderly stop: what is being analysed goes back to the ledger at once, for another worker."""
    if "analyst" in appliance().__dict__:
        _log.info("handed back", workitems=appliance().analyst.hand_back())


@worker_process_shutdown.connect
def _close(**_: Any) -> None:
    appliance().close()


@app.task(name=RECEIVE_INSTANCES)
def receive_instances(received: Mapping[str, float]) -> None:
    """Take over announced instances; what Orthanc does not give now, the change feed brings later."""
    moments = {uid: datetime.fromtimestamp(moment, UTC) for uid, moment in received.items()}
    _patiently(lambda: appliance().intake.receive(list(moments), moments))


@app.task(name=POLL_CHANGES)
def poll_changes() -> None:
    """Find in the change feed what no announcement said."""
    _patiently(lambda: appliance().intake.poll())


@app.task(name=PLAN_STUDY)
def plan_study(study: str) -> None:
    """Plan a study unless more of it is expected."""
    _patiently(lambda: appliance().planner.plan_if_complete(StudyInstanceUID(study)))


@app.task(name=PLAN_DUE)
def plan_due() -> None:
    """Plan every study whose quiet time has passed."""
    _patiently(lambda: appliance().planner.plan_due())


@app.task(name=RUN_WORKITEM)
def run_workitem(uid: str) -> None:
    """Attempt a workitem. Safe to deliver twice: only one attempt holds it."""
    _patiently(lambda: appliance().work.run(WorkitemUID(uid), _WORKER))


@app.task(name=DELIVER)
def deliver() -> None:
    """Deliver what is due; a slow destination keeps no thread of the worker."""
    _patiently(lambda: appliance().courier.start_due())
    _patiently(lambda: appliance().withdrawal.withdraw())


@app.task(name=SWEEP)
def sweep() -> None:
    """Queue what the ledger says is to be done and no message speaks of; learn what Orthanc's plugin kept out."""
    _patiently(lambda: appliance().sweeper.sweep())
    _patiently(lambda: appliance().withdrawal.withdraw())
    appliance().quarantine_desk.sync()


def _patiently(work: Any) -> None:
    """Do some work, and have the worklist say what came of it."""
    for step in (work, lambda: appliance().worklist_keeper.keep()):
        try:
            step()
        except TransientError as error:
            _log.warning("later", code=error.code)
