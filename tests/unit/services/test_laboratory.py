"""One workitem from the ledger to result objects, on real files and a real runtime with a tiny model."""

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from appliance.bootstrap import Appliance
from appliance.domain.errors import ModelPackageError, UnreadableObject
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import REPORT_PACKAGE, Workitem
from appliance.services.folder import take_in
from appliance.services.laboratory import Laboratory, Produced
from appliance.settings import DestinationSettings, Settings
from appliance.store.claims import Completion
from appliance.store.results import OutgoingResult
from appliance.store.selections import Selections
from appliance.study.files import open_input
from tests.helpers.dicom_builder import blob_phantom, ct_series, save
from tests.helpers.tiny_models import write_threshold_package
from tests.unit.store.conftest import NOON

SLICES = ct_series(blob_phantom())


@dataclass
class Bench:
    """A node without services."""

    node: Appliance
    laboratory: Laboratory
    folder: Path

    def arrives(self, items: list[Dataset]) -> StudyInstanceUID:
        save(items, self.folder)
        with open_input(self.folder) as found:
            take_in(found, self.node.instances, NOON + timedelta(seconds=len(items)))
        return StudyInstanceUID(str(items[0].StudyInstanceUID))

    def planned(self, study: StudyInstanceUID) -> dict[str, Workitem]:
        self.node.planner.plan(study)
        open_ = [item for item in self.node.workitems.of_study(study) if item.finished_at is None]
        return {status.workitem.package: status.workitem for status in open_}

    def completes(self, item: Workitem) -> Produced:
        produced = self.laboratory.produce(item)
        claim = self.node.claims.claim(item.uid, "one")
        assert claim is not None
        files = self.node.result_files
        outgoing = tuple(
            OutgoingResult(
                result=a.result, file=files.write(a.result.content), destinations=a.destinations, for_node=a.for_node
            )
            for a in produced.results
        )
        self.node.claims.complete(claim, Completion(findings=produced.analysis.findings, results=outgoing))
        return produced


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    write_threshold_package(tmp_path / "models")
    node = Appliance(Settings(home=tmp_path, models_dir=Path("models")))
    return Bench(node, node.laboratory, tmp_path / "arrived")


def kinds(produced: Produced) -> list[str]:
    return [str(item.result.kind) for item in produced.results]


def dataset(produced: Produced, kind: str) -> Dataset:
    return next(dcmread(BytesIO(item.result.content)) for item in produced.results if item.result.kind == kind)


def test_an_analysis_gives_a_segmentation_and_measurements(bench: Bench) -> None:
    item = bench.planned(bench.arrives(SLICES))["blob"]
    produced = bench.laboratory.produce(item)
    assert kinds(produced) == ["SEG", "SR"]
    assert [stage for stage, _ in produced.analysis.seconds][-1] == "results"


def test_who_asks_twice_gets_the_same_objects(bench: Bench) -> None:
    item = bench.planned(bench.arrives(SLICES))["blob"]
    first, second = (bench.laboratory.produce(item) for _ in range(2))
    assert first.results == second.results


def test_the_report_rests_on_the_analyses_it_waited_for(bench: Bench) -> None:
    items = bench.planned(bench.arrives(SLICES))
    analysis = bench.completes(items["blob"])
    report = bench.laboratory.produce(items[REPORT_PACKAGE])
    assert kinds(report) == ["REPORT", "PDF"]
    evidence = dataset(report, "REPORT").CurrentRequestedProcedureEvidenceSequence
    named = {
        sop.ReferencedSOPInstanceUID
        for study in evidence
        for series in study.ReferencedSeriesSequence
        for sop in series.ReferencedSOPSequence
    }
    assert {item.result.sop_instance_uid for item in analysis.results} & named


def test_a_report_says_what_was_refused(bench: Bench) -> None:
    items = bench.planned(bench.arrives(SLICES))
    bench.node.workitems.cancel(items["blob"].uid, "geometry-gantry-tilt")
    report = bench.laboratory.produce(items[REPORT_PACKAGE])
    assert "blob" in report.results[0].result.text


def test_results_after_a_late_slice_name_those_they_replace(bench: Bench) -> None:
    """PS3.3 C.17.2: Predecessor Documents Sequence."""
    study = bench.arrives(SLICES[:-1])
    early = bench.planned(study)
    first, first_report = bench.completes(early["blob"]), bench.completes(early[REPORT_PACKAGE])
    bench.arrives(SLICES)
    late = bench.planned(study)
    second, second_report = bench.completes(late["blob"]), bench.completes(late[REPORT_PACKAGE])
    for kind, before, after in (("SR", first, second), ("REPORT", first_report, second_report)):
        (predecessor,) = dataset(after, kind).PredecessorDocumentsSequence
        reference = predecessor.ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
        assert reference.ReferencedSOPInstanceUID == dataset(before, kind).SOPInstanceUID
    standing = {record.workitem_uid for record in bench.node.results.of_study(study)}
    assert standing == {late["blob"].uid, late[REPORT_PACKAGE].uid}


def test_what_is_replaced_is_rejected_where_notes_are_taken(tmp_path: Path) -> None:
    places = (
        DestinationSettings(name="archive", kind="dimse", accepts_rejection_notes=True),
        DestinationSettings(name="pacs", kind="dimse"),
    )
    write_threshold_package(tmp_path / "models")
    node = Appliance(Settings(home=tmp_path, models_dir=Path("models"), destinations=places))
    bench = Bench(node, node.laboratory, tmp_path / "arrived")
    study = bench.arrives(SLICES[:-1])
    first = bench.completes(bench.planned(study)["blob"])
    assert "REJECTION" not in kinds(first)
    bench.arrives(SLICES)
    late = bench.planned(study)["blob"]
    second = bench.completes(late)
    (note,) = [item for item in second.results if item.result.kind == "REJECTION"]
    assert (note.destinations, note.for_node) == (("archive",), False)
    rejected = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for item in dcmread(BytesIO(note.result.content)).ContentSequence
        if "ReferencedSOPSequence" in item
    }
    assert rejected == {item.result.sop_instance_uid for item in first.results}
    (again, *_) = node.workitems.repeat(late.uid)
    third = bench.completes(node.workitems.get(again).workitem)
    (newer,) = [item for item in third.results if item.result.kind == "REJECTION"]
    assert note.result.sop_instance_uid.encode() not in newer.result.content, "what was rejected stays rejected"


def test_a_first_result_has_no_predecessor(bench: Bench) -> None:
    item = bench.planned(bench.arrives(SLICES))["blob"]
    assert "PredecessorDocumentsSequence" not in dataset(bench.laboratory.produce(item), "SR")


def test_an_instance_that_the_ledger_lost_is_a_refusal(bench: Bench) -> None:
    item = bench.planned(bench.arrives(SLICES))["blob"]
    stranger = type(item)(
        **{name: getattr(item, name) for name in item.__slots__}
        | {"sop_instance_uids": (*item.sop_instance_uids, "1.2.3.4")}
    )
    with pytest.raises(UnreadableObject):
        bench.laboratory.produce(stranger)


def test_a_package_that_is_gone_is_an_error_of_the_package(bench: Bench, tmp_path: Path) -> None:
    item = bench.planned(bench.arrives(SLICES))["blob"]
    (tmp_path / "models" / "blob").rename(tmp_path / "elsewhere")
    with pytest.raises(ModelPackageError):
        bench.laboratory.produce(item)


def test_packages_for_another_modality_are_no_news_in_a_report(bench: Bench, tmp_path: Path) -> None:
    write_threshold_package(tmp_path / "models", "brain", modality="MR")
    study = bench.arrives(SLICES)
    items = bench.planned(study)
    assert {item.package for item in Selections(bench.node.ledger).of_study(study)} == {"blob@1.0.0", "brain@1.0.0"}
    bench.completes(items["blob"])
    assert "brain" not in bench.laboratory.produce(items[REPORT_PACKAGE]).results[0].result.text
