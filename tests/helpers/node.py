"""An appliance in a test: with all its services, or with its ledger and files alone, its duties called by the test."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydicom import Dataset

from appliance.bootstrap import Appliance
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import ProcedureStepState
from appliance.node import supervision
from appliance.services.folder import take_in
from appliance.settings import DestinationSettings, Settings
from appliance.store.clock import utc_now
from appliance.store.deliveries import OPEN_DELIVERIES
from appliance.study.files import open_input
from tests.helpers.dicom_builder import save
from tests.helpers.services import wait_for


@contextlib.contextmanager
def running(settings: Settings, *, demo: bool = False, patience_s: float = 120) -> Iterator[Settings]:
    """A node with all its services under the supervisor, and the demonstration PACS if `demo`; stopped at the end."""
    supervision.start(settings, demo=demo)
    try:
        supervision.wait_ready(settings, patience_s)
        yield settings
    finally:
        supervision.stop(settings)


@contextlib.contextmanager
def lone_node(home: Path, *destinations: DestinationSettings, **settings: Any) -> Iterator[Appliance]:
    """An appliance whose home is `home`; models lie in `home / "models_onnx"`."""
    node = Appliance(Settings(home=home, destinations=destinations, **settings))
    try:
        yield node
    finally:
        node.close()


def process(node: Appliance, objects: Sequence[Dataset], folder: Path) -> StudyInstanceUID:
    """Take the objects of one study in, and do all the work on it; deliveries are left in the outbox."""
    save(objects, folder)
    with open_input(folder) as found:
        (study,) = take_in(found, node.instances, utc_now())
        node.planner.plan(study)
        work(node)
    return study


def work(node: Appliance) -> None:
    """Run every workitem that can run, until none can."""
    while runnable := node.workitems.runnable():
        node.analyst.run(runnable[0].uid, "test")


def await_end(node: Appliance, study: StudyInstanceUID) -> None:
    """Wait until the services have planned a study, done its work and made its deliveries."""

    def over() -> bool:
        if study not in {item.study_instance_uid for item in node.studies.latest()}:
            return False
        summary = node.studies.summary(study)
        open_work = {ProcedureStepState.SCHEDULED, ProcedureStepState.IN_PROGRESS} & summary.workitems.keys()
        pending = OPEN_DELIVERIES & summary.deliveries.keys()
        return bool(summary.planned_at and summary.workitems) and not open_work and not pending

    wait_for(over, "the end of the study", 180)
