"""From Orthanc to the ledger: nothing lost, nothing doubled, nothing that is no input, and no poison that stops it."""

import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom import Dataset

from appliance.domain.dicom_result import MANUFACTURER, MODEL_NAME
from appliance.domain.errors import OrthancUnavailable, UnreadableObject
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.study import Instance, Study
from appliance.pipeline import Plan
from appliance.services.dispatcher import Dispatcher
from appliance.services.instance_files import InstanceFiles
from appliance.services.intake import FEED, Intake
from appliance.services.planner import Planner
from appliance.store.arrival_gaps import ArrivalGaps
from appliance.store.cursors import Cursors
from appliance.store.engine import Ledger, open_ledger
from appliance.store.events import EventKind, Events
from appliance.store.instances import Instances
from appliance.store.quarantine import Quarantine
from appliance.store.selections import Selections
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems
from appliance.study.orthanc import OrthancClient
from appliance.study.quiet_time import QuietTime
from appliance.study.reader import read_instance
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.orthanc_double import OrthancDouble, orthanc_double
from tests.unit.services.conftest import RecordingQueue
from tests.unit.store.conftest import NOON, Clock

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
    planned: list[Study]
    released: set[str]

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
    planned: list[Study] = []
    released: set[str] = set()
    planner = Planner(
        plan=lambda study: planned.append(study) or Plan(workitems=(), selections=()),  # type: ignore[func-returns-value]
        instances=instances,
        studies=studies,
        selections=Selections(ledger),
        workitems=workitems,
        dispatcher=dispatcher,
        gaps=ArrivalGaps(ledger),
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
            is_released=released.__contains__,
            clock=clock,
        )
        yield Bench(
            double,
            intake,
            instances,
            Cursors(ledger),
            studies,
            Events(ledger),
            queue,
            clock,
            tmp_path / "cache",
            planned,
            released,
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
    assert bench.intake.poll() == COUNT
    assert bench.arrived() == uids(SLICES)
    assert bench.fetched() == COUNT
    assert bench.cursors.position(FEED) == COUNT
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


def test_what_a_person_released_is_read_although_the_gate_would_refuse_it(bench: Bench) -> None:
    kept_out, let_in = SLICES[0], SLICES[1]
    ids = [bench.orthanc.receive(without_pixels(item)) for item in (kept_out, let_in)]
    bench.released.add(hashlib.sha256(bench.orthanc.objects[ids[1]]).hexdigest())
    bench.intake.receive(ids)
    assert bench.arrived() == uids([let_in])
    assert bench.instances.aside() == {ids[0]: "gate-pixel-data"}


def without_pixels(item: Dataset) -> Dataset:
    short = copy.deepcopy(item)
    short.PixelData = bytes(2)
    return short


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


@pytest.mark.parametrize("times", [1, 9])
def test_what_another_thread_removed_meanwhile_is_not_called_unreadable(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """An announcement and the change feed may bring the same result of ours to two threads at once."""
    uid = bench.orthanc.receive(SLICES[0])
    left = [times]

    def read(path: Path) -> Instance:
        left[0] -= 1
        if left[0] < 0:
            return read_instance(path)
        path.unlink()
        raise UnreadableObject("reading failed with FileNotFoundError")

    monkeypatch.setattr(bench.intake, "_read", read)
    if times == 1:
        bench.intake.receive([uid])
        assert bench.arrived() == uids(SLICES[:1])
    else:
        with pytest.raises(OrthancUnavailable):
            bench.intake.receive([uid])
    assert bench.instances.aside() == {}


def test_orthanc_down_is_told_and_tried_again_without_loss(bench: Bench) -> None:
    ids = [bench.orthanc.receive(item) for item in SLICES]
    bench.orthanc.fail_next(503)
    with pytest.raises(OrthancUnavailable):
        bench.intake.receive(ids)
    bench.intake.receive(ids)
    assert bench.arrived() == uids(SLICES)


def test_moments_are_those_of_reception_and_not_of_fetching(bench: Bench) -> None:
    ids = [bench.orthanc.receive(item) for item in SLICES]
    told = {uid: NOON + timedelta(seconds=index / 10) for index, uid in enumerate(ids)}
    bench.clock.pass_by(seconds=60)
    bench.intake.receive(ids, told)
    moments = {item.orthanc_id: item.arrived_at for item in bench.instances.of_study(STUDY)}
    assert moments == told


def test_what_was_not_announced_is_dated_by_orthancs_own_clock(bench: Bench) -> None:
    """Its clock may be wrong; how long ago something came, by that clock, is not. A second is its resolution."""
    bench.orthanc.receive(SLICES[0], at="20251231T235950")
    bench.orthanc.now = "20260101T000000"
    bench.intake.poll()
    (item,) = bench.instances.of_study(STUDY)
    assert item.arrived_at == NOON - timedelta(seconds=9)


def test_no_moment_lies_in_the_future(bench: Bench) -> None:
    uid = bench.orthanc.receive(SLICES[0], at="20261123T120010")
    bench.intake.receive([uid], {uid: NOON + timedelta(hours=1)})
    other = bench.orthanc.receive(SLICES[1], at="20261123T120010")
    bench.intake.receive([other])
    assert {item.arrived_at for item in bench.instances.of_study(STUDY)} == {NOON}


def test_a_study_that_orthanc_calls_stable_is_planned_as_it_is(bench: Bench) -> None:
    """The last resort: the header counts more images than ever come."""
    for item in ct_series(blob_phantom((COUNT, 8, 9)), NumberOfSeriesRelatedInstances=2 * COUNT):
        bench.orthanc.receive(item)
    bench.intake.poll()
    assert (bench.planned, bench.queue.planned) == ([], [])
    bench.orthanc.stable(SLICES[0])
    bench.intake.poll()
    assert [len(study.series[0].instances) for study in bench.planned] == [COUNT]
    bench.orthanc.stable(SLICES[0])
    bench.intake.poll()
    assert len(bench.planned) == 1, "nothing was owed any more"


def test_a_study_that_goes_on_meanwhile_is_not_stable(bench: Bench) -> None:
    bench.orthanc.receive(SLICES[0])
    bench.orthanc.stable(SLICES[0])
    bench.orthanc.receive(SLICES[1])
    bench.intake.poll()
    assert bench.planned == []


def test_stability_of_a_study_without_input_means_nothing(bench: Bench) -> None:
    report = ct_series(blob_phantom((2, 8, 9)))[0]
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    bench.orthanc.receive(report)
    bench.orthanc.stable(report)
    bench.intake.poll()
    assert bench.planned == []
