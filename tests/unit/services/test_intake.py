"""From Orthanc to the ledger: nothing lost, nothing doubled, nothing that is no input, and no poison that stops it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import Dataset

from appliance.domain.dicom_result import MANUFACTURER, MODEL_NAME
from appliance.domain.errors import OrthancUnavailable
from appliance.domain.identifiers import StudyInstanceUID
from appliance.services.dispatcher import Dispatcher
from appliance.services.instance_files import InstanceFiles
from appliance.services.intake import FEED, Intake
from appliance.services.planner import Planner
from appliance.store.cursors import Cursors
from appliance.store.engine import Ledger, open_ledger
from appliance.store.events import EventKind, Events
from appliance.store.instances import Instances
from appliance.store.quarantine import Quarantine
from appliance.store.selections import Selections
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems
from appliance.study.arrival import QuietTime
from appliance.study.orthanc import OrthancClient
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.orthanc_double import OrthancDouble, orthanc_double
from tests.unit.services.conftest import RecordingQueue
from tests.unit.store.conftest import Clock

COUNT = 20
SLICES = ct_series(blob_phantom((COUNT, 8, 9)))
STUDY = StudyInstanceUID(str(SLICES[0].StudyInstanceUID))


@pytest.fixture(scope="module")
def double() -> Iterator[OrthancDouble]:
    with orthanc_double() as made:
        yield made


@dataclass
class Bench:
    """An intake with everything around it."""

    orthanc: OrthancDouble
    intake: Intake
    instances: Instances
    cursors: Cursors
    studies: Studies
    events: Events
    queue: RecordingQueue
    clock: Clock
    cache: Path

    def arrived(self) -> set[str]:
        return {item.instance.sop_instance_uid for item in self.instances.of_study(STUDY)}

    def fetched(self) -> int:
        return sum(path.endswith("/file") for path in self.orthanc.requests)


@pytest.fixture
def bench(double: OrthancDouble, tmp_path: Path, clock: Clock, queue: RecordingQueue) -> Iterator[Bench]:
    double.begin_anew()
    double.requests.clear()
    ledger: Ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    instances, studies, workitems = Instances(ledger, clock), Studies(ledger, clock), Workitems(ledger, clock)
    dispatcher = Dispatcher(workitems, queue)
    planner = Planner(
        plan=lambda _: pytest.fail("intake plans nothing itself"),
        instances=instances,
        studies=studies,
        selections=Selections(ledger),
        workitems=workitems,
        dispatcher=dispatcher,
        quiet=QuietTime(),
        clock=clock,
    )
    with OrthancClient(double.url) as client:
        intake = Intake(
            orthanc=client,
            files=InstanceFiles(tmp_path / "cache", client),
            instances=instances,
            quarantine=Quarantine(ledger, clock),
            cursors=Cursors(ledger),
            planner=planner,
            dispatcher=dispatcher,
            clock=clock,
        )
        yield Bench(
            double, intake, instances, Cursors(ledger), studies, Events(ledger), queue, clock, tmp_path / "cache"
        )
    ledger.close()


def uids(items: list[Dataset]) -> set[str]:
    return {str(item.SOPInstanceUID) for item in items}


def test_what_is_announced_is_in_the_ledger_with_its_origin(bench: Bench) -> None:
    bench.intake.receive([bench.orthanc.receive(item, calling_aet="CT1") for item in SLICES])
    assert bench.arrived() == uids(SLICES)
    (origin,) = {item.origin for item in bench.instances.of_study(STUDY)}
    assert (origin.calling_aet, origin.called_aet, origin.received) == ("CT1", "APPLIANCE", "20261123T120000")


def test_an_announcement_that_is_repeated_fetches_nothing(bench: Bench) -> None:
    ids = [bench.orthanc.receive(item) for item in SLICES]
    bench.intake.receive([*ids, *ids])
    bench.intake.receive(reversed(ids))
    assert bench.fetched() == COUNT


def test_what_no_announcement_said_is_found_in_the_change_feed(bench: Bench) -> None:
    ids = [bench.orthanc.receive(item) for item in SLICES]
    bench.intake.receive(ids[:5])
    bench.orthanc.stable()
    assert bench.intake.poll() == COUNT + 1
    assert bench.arrived() == uids(SLICES)
    assert bench.fetched() == COUNT
    assert bench.cursors.position(FEED) == COUNT + 1
    assert bench.intake.poll() == 0


def test_a_feed_that_breaks_off_is_read_again_from_where_it_was_safe(bench: Bench) -> None:
    for item in SLICES:
        bench.orthanc.receive(item)
    bench.orthanc.fail_next(0, 0, 0, 500)
    with pytest.raises(OrthancUnavailable):
        bench.intake.poll()
    assert bench.cursors.position(FEED) == 0
    bench.intake.poll()
    assert bench.arrived() == uids(SLICES)


def test_an_orthanc_that_began_anew_is_read_from_its_start(bench: Bench) -> None:
    for item in SLICES:
        bench.orthanc.receive(item)
    bench.intake.poll()
    bench.orthanc.begin_anew()
    late = ct_series(blob_phantom((2, 8, 9)), seed="other")[0]
    bench.orthanc.receive(late)
    bench.intake.poll()
    assert len(bench.instances.of_study(StudyInstanceUID(str(late.StudyInstanceUID)))) == 1
    assert bench.cursors.position(FEED) == 1


def test_what_is_gone_before_it_was_fetched_is_passed_over(bench: Bench) -> None:
    ids = [bench.orthanc.receive(item) for item in SLICES]
    bench.orthanc.forget(ids[3])
    bench.intake.receive(ids)
    assert bench.arrived() == uids(SLICES) - uids([SLICES[3]])


def test_content_that_changed_under_its_uids_is_taken_anew(bench: Bench) -> None:
    uid = bench.orthanc.receive(SLICES[0])
    bench.intake.receive([uid])
    changed = ct_series(blob_phantom((COUNT, 8, 9)), SeriesDescription="Corrected")[0]
    bench.orthanc.replace(changed, at="20261123T130000")
    bench.intake.receive([uid])
    (item,) = bench.instances.of_study(STUDY)
    assert item.instance.attributes["SeriesDescription"] == "Corrected"
    assert EventKind.INSTANCE_CHANGED in {event.kind for event in bench.events.of_study(STUDY)}


@pytest.mark.parametrize("kind", ["own output", "structured report", "damaged"])
def test_what_is_no_input_is_set_aside_once(bench: Bench, kind: str) -> None:
    item = ct_series(blob_phantom((2, 8, 9)))[0]
    if kind == "own output":
        item.Manufacturer, item.ManufacturerModelName = MANUFACTURER, MODEL_NAME
    if kind == "structured report":
        item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    uid = bench.orthanc.receive(item)
    if kind == "damaged":
        bench.orthanc.objects[uid] = bytes(128) + b"DICM" + b"\xff" * 64
    bench.intake.receive([uid])
    bench.intake.receive([uid])
    assert bench.instances.of_study(STUDY) == ()
    assert bench.instances.aside()[uid] == ("gate-structure" if kind == "damaged" else "not-input")
    assert bench.fetched() == 1


def test_a_damaged_object_stops_none_of_its_batch(bench: Bench) -> None:
    ids = [bench.orthanc.receive(item) for item in SLICES]
    bench.orthanc.objects[ids[0]] = b"noise"
    bench.intake.receive(ids)
    assert bench.arrived() == uids(SLICES[1:])


def test_what_is_no_image_takes_no_room(bench: Bench) -> None:
    item = ct_series(blob_phantom((2, 8, 9)))[0]
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    bench.intake.receive([bench.orthanc.receive(item)])
    assert not [path for path in bench.cache.rglob("*") if path.is_file()]


def test_orthanc_down_is_told_and_tried_again_without_loss(bench: Bench) -> None:
    ids = [bench.orthanc.receive(item) for item in SLICES]
    bench.orthanc.fail_next(503)
    with pytest.raises(OrthancUnavailable):
        bench.intake.receive(ids)
    bench.intake.receive(ids)
    assert bench.arrived() == uids(SLICES)
