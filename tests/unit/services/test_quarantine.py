"""From the folder to the ledger, and the two ways out."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.domain.errors import DestinationRefused, NotReleasable, UnknownObject
from appliance.gate.quarantine import QuarantineFolder
from appliance.services.quarantine import QuarantineDesk
from appliance.store.engine import open_ledger
from appliance.store.instances import Instances
from appliance.store.quarantine import Held, HoldState, Quarantine, Way


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SimpleNamespace]:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    folder = QuarantineFolder(tmp_path / "quarantine")
    stored: list[bytes] = []
    received: list[str] = []

    def store(path: Path) -> str:
        assert folder.is_admitted(folder.records()[-1]["sha256"])
        stored.append(path.read_bytes())
        return "orthanc-id"

    parts = SimpleNamespace(
        folder=folder, quarantine=Quarantine(ledger), instances=Instances(ledger), stored=stored, received=received
    )
    parts.desk = QuarantineDesk(
        folder=folder,
        quarantine=parts.quarantine,
        instances=parts.instances,
        store=lambda path: parts.store(path),
        receive=received.extend,
        addresses={"CT1": "10.0.0.1"},
    )
    parts.store = store
    yield parts
    ledger.close()


def test_records_of_the_plugin_reach_the_ledger_with_the_senders_address(bench: SimpleNamespace) -> None:
    assert bench.desk.sync() == 0
    name = bench.folder.hold(b"deep", "gate-nesting", "too deep", way="dicom", study="1.2.3")["id"]
    bench.folder.amend(name, calling_aet="CT1")
    assert bench.desk.sync() == 1
    assert bench.desk.sync() == 0
    held = bench.quarantine.get(name)
    assert (held.code, held.way, held.calling_aet, held.address, held.study_instance_uid, held.size) == (
        "gate-nesting",
        Way.DICOM,
        "CT1",
        "10.0.0.1",
        "1.2.3",
        4,
    )


def test_what_is_only_too_large_can_be_released(bench: SimpleNamespace) -> None:
    held = bench.folder.hold(b"large", "gate-too-large", "")
    bench.desk.sync()
    bench.desk.release(held["id"], by="Ada", why="expected")
    assert bench.stored == [b"large"]
    assert not bench.folder.is_admitted(held["sha256"])
    assert bench.quarantine.get(held["id"]).state is HoldState.RELEASED
    assert bench.folder.records() == []
    with pytest.raises(NotReleasable, match="released already"):
        bench.desk.release(held["id"], by="Ada", why="")


@pytest.mark.parametrize("code", ["gate-nesting", "gate-structure", "gate-meta-header", "orthanc-crash"])
def test_what_kills_parsers_never_can(bench: SimpleNamespace, code: str) -> None:
    held = bench.folder.hold(b"killer", code, "")
    bench.desk.sync()
    with pytest.raises(NotReleasable):
        bench.desk.release(held["id"], by="Ada", why="please")
    assert bench.stored == []


def test_what_orthanc_does_not_take_stays_held_and_passes_no_longer(bench: SimpleNamespace) -> None:
    held = bench.folder.hold(b"large", "gate-too-large", "")
    bench.desk.sync()

    def refuse(_: Path) -> str:
        raise DestinationRefused("no")

    bench.store = refuse
    with pytest.raises(DestinationRefused):
        bench.desk.release(held["id"], by="Ada", why="")
    assert bench.quarantine.get(held["id"]).state is HoldState.HELD
    assert not bench.folder.is_admitted(held["sha256"])


def test_bytes_that_are_gone_cannot_be_released(bench: SimpleNamespace) -> None:
    folder = QuarantineFolder(bench.folder.content_path("x").parent, limit_bytes=3)
    name = folder.hold(b"large", "gate-too-large", "")["id"]
    bench.desk.sync()
    with pytest.raises(NotReleasable, match="gone"):
        bench.desk.release(name, by="Ada", why="")


def test_discarding_removes_the_bytes_and_remembers_who_and_why(bench: SimpleNamespace) -> None:
    name = bench.folder.hold(b"deep", "gate-nesting", "")["id"]
    bench.desk.sync()
    bench.desk.discard(name[:8], by="Ada", why="an attack")
    assert bench.folder.records() == []
    held = bench.quarantine.get(name)
    assert (held.state, held.decided_by, held.decision) == (HoldState.DISCARDED, "Ada", "an attack")
    with pytest.raises(UnknownObject):
        bench.desk.discard("f" * 32, by="Ada", why="x")


def test_what_our_reading_refused_is_read_again(bench: SimpleNamespace) -> None:
    bench.instances.set_aside("orthanc-1", "now", "input-unreadable")
    at = bench.quarantine._clock()
    item = Held(
        id="r", code="input-unreadable", detail="", way=Way.READER, at=at, size=0, sha256="", orthanc_id="orthanc-1"
    )
    bench.quarantine.take([item])
    bench.desk.release("r", by="Ada", why="mended")
    assert bench.received == ["orthanc-1"]
    assert bench.instances.aside() == {}
