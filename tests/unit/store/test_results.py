"""Result files by content, result rows by workitem, and who replaces whom."""

from pathlib import Path

import pytest

from appliance.domain.identifiers import SOPInstanceUID
from appliance.store.claims import Claims, Completion
from appliance.store.deliveries import ORTHANC
from appliance.store.engine import Ledger
from appliance.store.results import ResultFiles, Results
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import STUDY, Clock, workitem
from tests.unit.store.test_claims import claimed, outgoing

EARLY = workitem()
LATE = workitem(instances=(SOPInstanceUID("1.2.3.1.1"), SOPInstanceUID("1.2.3.1.2")))


@pytest.fixture
def results(ledger: Ledger) -> Results:
    return Results(ledger)


def complete(ledger: Ledger, clock: Clock, item, *sops: str) -> None:  # type: ignore[no-untyped-def]
    Workitems(ledger, clock).schedule([item])
    claims = Claims(ledger, clock)
    made = tuple(outgoing(item, sop) for sop in sops)
    claims.complete(claimed(claims, item), Completion(findings=(), results=made))


def test_the_same_content_is_one_file(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path / "results")
    first, second = files.write(b"content"), files.write(b"content")
    assert first == second
    assert files.path(first.path).read_bytes() == b"content"
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="full"):
        ResultFiles(tmp_path).write(b"content")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_results_are_found_by_study_and_by_workitem(results: Results, ledger: Ledger, clock: Clock) -> None:
    complete(ledger, clock, EARLY, "9.1", "9.2")
    assert [record.sop_instance_uid for record in results.of_study(STUDY)] == ["9.1", "9.2"]
    assert results.of_workitem(EARLY.uid, ORTHANC) == results.of_study(STUDY)
    assert results.of_workitem(LATE.uid, ORTHANC) == ()


def test_predecessors_are_what_stands_until_the_new_workitem_completes(
    results: Results, ledger: Ledger, clock: Clock
) -> None:
    complete(ledger, clock, EARLY, "9.1")
    Workitems(ledger, clock).schedule([LATE, workitem("brain")])
    assert [record.sop_instance_uid for record in results.predecessors(LATE.uid, ORTHANC)] == ["9.1"]
    assert results.predecessors(workitem("brain").uid, ORTHANC) == ()
    complete(ledger, clock, LATE, "9.2")
    assert results.predecessors(LATE.uid, ORTHANC) == ()


def test_what_was_replaced_is_shown_only_to_who_asks(results: Results, ledger: Ledger, clock: Clock) -> None:
    complete(ledger, clock, EARLY, "9.1")
    clock.pass_by(seconds=1)
    complete(ledger, clock, LATE, "9.2")
    assert [record.sop_instance_uid for record in results.of_study(STUDY)] == ["9.2"]
    everything = results.of_study(STUDY, superseded=True)
    assert {record.sop_instance_uid: record.superseded_by for record in everything} == {"9.1": LATE.uid, "9.2": None}


def test_a_report_replaces_a_report_only(results: Results, ledger: Ledger, clock: Clock) -> None:
    complete(ledger, clock, EARLY, "9.1")
    report = workitem("report", series=None)
    complete(ledger, clock, report, "9.2")
    later = workitem("report", series=None, instances=LATE.sop_instance_uids)
    Workitems(ledger, clock).schedule([later])
    assert [record.sop_instance_uid for record in results.predecessors(later.uid, ORTHANC)] == ["9.2"]
