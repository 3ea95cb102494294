"""From the folder to the ledger, and the two ways out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from appliance.domain.errors import (
    DestinationRefused,
    NestedTooDeep,
    NotDicom,
    NotReleasable,
    OrthancUnavailable,
    StorageShort,
    StudyContradicted,
    UnknownObject,
)
from appliance.gate.inspection import Inspected
from appliance.gate.quarantine import QuarantineFolder
from appliance.gate.reasons import Reason, Refused
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
        assert parts.desk.is_released(folder.records()[-1]["sha256"])
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
    assert not bench.desk.is_released(held["sha256"])
    bench.desk.release(held["id"], by="Ada", why="expected")
    assert bench.stored == [b"large"]
    assert bench.desk.is_released(held["sha256"])
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
    assert not bench.desk.is_released(held["sha256"])


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


GOOD = Inspected(
    transfer_syntax="1.2.840.10008.1.2.1",
    sop_class="1.2.840.10008.5.1.4.1.1.2",
    sop_instance="1.2.3.4",
    study="1.2.3",
    series="1.2.3.1",
    foreign_preamble=False,
    elements=9,
    depth=0,
)


def upload(
    bench: SimpleNamespace, tmp_path: Path, content: bytes, verdict: Inspected | Refused, study: str = ""
) -> Any:
    """What the desk makes of a file about which the gate says `verdict`; what reached Orthanc is in `stored`."""

    def gate(_: Path) -> Inspected:
        if isinstance(verdict, Refused):
            raise verdict
        return verdict

    def store(file: Path) -> str:
        bench.stored.append(file.read_bytes())
        return "orthanc-id"

    bench.store = getattr(bench, "upload_to", store)
    bench.desk._inspect = gate
    file = tmp_path / "part"
    file.write_bytes(content)
    return bench.desk.upload(file, study)


def test_an_upload_that_passes_the_gate_reaches_orthanc_as_it_came(bench: SimpleNamespace, tmp_path: Path) -> None:
    uploaded = upload(bench, tmp_path, b"object", GOOD, "1.2.3")
    assert (uploaded.orthanc_id, uploaded.refusal, uploaded.rewritten) == ("orthanc-id", None, False)
    assert (uploaded.sop_class, uploaded.sop_instance) == (GOOD.sop_class, GOOD.sop_instance)
    assert bench.stored == [b"object"]


def test_a_foreign_preamble_is_zeroed_and_said(bench: SimpleNamespace, tmp_path: Path) -> None:
    foreign = GOOD._replace(foreign_preamble=True)
    assert upload(bench, tmp_path, b"MZ" * 64 + b"DICM", foreign).rewritten
    assert bench.stored == [bytes(128) + b"DICM"]


@pytest.mark.parametrize("content", [b"deep", b""])
def test_an_upload_that_the_gate_refuses_goes_to_quarantine_with_its_bytes(
    bench: SimpleNamespace, tmp_path: Path, content: bytes
) -> None:
    uploaded = upload(bench, tmp_path, content, Refused(Reason.NESTING, "too deep", "1.2.3", "1.2", "1.2.3.4"))
    assert isinstance(uploaded.refusal, NestedTooDeep)
    assert (uploaded.sop_class, uploaded.sop_instance) == ("1.2", "1.2.3.4")
    (held,) = bench.quarantine.latest()
    assert (held.code, held.way, held.study_instance_uid, held.size) == (
        "gate-nesting",
        Way.HTTP,
        "1.2.3",
        len(content),
    )
    assert bench.folder.content_path(held.id).read_bytes() == content
    assert bench.stored == []


def test_the_study_it_was_sent_to_is_kept_where_it_names_none(bench: SimpleNamespace, tmp_path: Path) -> None:
    assert isinstance(upload(bench, tmp_path, b"x", Refused(Reason.NOT_DICOM, "none"), "1.2.9").refusal, NotDicom)
    assert bench.quarantine.latest()[0].study_instance_uid == "1.2.9"


def test_an_upload_to_another_study_than_its_own_is_refused_and_not_kept(
    bench: SimpleNamespace, tmp_path: Path
) -> None:
    assert isinstance(upload(bench, tmp_path, b"object", GOOD, "1.2.9").refusal, StudyContradicted)
    assert bench.stored == []
    assert bench.quarantine.latest() == ()


def test_what_orthanc_refuses_is_told_and_what_is_away_is_raised(bench: SimpleNamespace, tmp_path: Path) -> None:
    def answers(error: Exception) -> Callable[[Path], str]:
        def store(_: Path) -> str:
            raise error

        return store

    bench.upload_to = answers(DestinationRefused("no"))
    assert isinstance(upload(bench, tmp_path, b"object", GOOD).refusal, DestinationRefused)
    bench.upload_to = answers(OrthancUnavailable())
    with pytest.raises(OrthancUnavailable):
        upload(bench, tmp_path, b"object", GOOD)


def test_a_quarantine_that_cannot_be_written_may_pass(bench: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "quarantine").write_bytes(b"no folder")
    with pytest.raises(StorageShort):
        upload(bench, tmp_path, b"deep", Refused(Reason.NESTING, "too deep"))
