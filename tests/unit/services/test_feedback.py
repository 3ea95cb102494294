"""Answers are kept, said in a verified SR where the finding went, counted, exported; withdrawing leaves nothing."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from appliance.bootstrap import Appliance
from appliance.domain.dicom_result import ResultKind
from appliance.domain.errors import UnknownFinding, UsageError
from appliance.domain.feedback import Feedback, Verdict
from appliance.domain.identifiers import StudyInstanceUID
from appliance.services.evaluation_set import TABLE, export
from appliance.services.receipts.receipt_page import Work
from appliance.settings import DestinationSettings
from appliance.store.deliveries import DeliveryState
from appliance.study.reader import read_instance
from tests.helpers.received import analysed
from tests.helpers.validators import dciodvfy, not_waived

PACS = DestinationSettings(
    name="pacs", kind="dimse", host="192.0.2.1", port=11112, aet="PACS", accepts_rejection_notes=True
)


class Bench:
    """A node with one analysed study; `work` is that of its model as it stands now."""

    def __init__(self, node: Appliance, study: StudyInstanceUID) -> None:
        self.node, self.study = node, study

    @property
    def work(self) -> Work:
        return self.node.study_page(self.study).works[0]

    def answer(self, verdict: Verdict, note: str = "", tracking: str | None = None) -> Feedback:
        uid = self.work.cards[0].tracking_uid if tracking is None else tracking
        workitem = self.work.status.workitem.uid
        return self.node.feedback_desk.answer(
            self.study, workitem, uid, verdict, reader="roentgen", reader_name="Conrad", note=note
        )

    def reviews(self) -> list[Dataset]:
        kept = [record for record in self.work.results if record.kind is ResultKind.REVIEW]
        return [self.node.previews.dataset(record) for record in kept]

    def there(self, kind: ResultKind) -> set[tuple[str, DeliveryState]]:
        return {(item.destination, item.state) for item in self.node.outbox.of_study(self.study) if item.kind is kind}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    node, study = analysed(tmp_path, destinations=[PACS])
    yield Bench(node, study)
    node.close()


def values(review: Dataset, kind: str) -> list[str]:
    group = review.ContentSequence[-1].ContentSequence[0]
    key = "ConceptCodeSequence" if kind == "CODE" else "ConceptNameCodeSequence"
    return [item[key][0].CodeMeaning for item in group.ContentSequence if item.ValueType == kind]


def test_who_agrees_verifies_the_measurements_and_the_original_is_the_predecessor(bench: Bench, tmp_path: Path) -> None:
    bench.answer(Verdict.AGREE)
    (review,) = bench.reviews()
    assert (review.VerificationFlag, review.VerifyingObserverSequence[0].VerifyingObserverName) == (
        "VERIFIED",
        "Conrad",
    )
    assert "The reader agrees" in values(review, "CODE")
    assert "Volume" in values(review, "NUM")
    original = next(record for record in bench.work.results if record.kind is ResultKind.SR)
    before = review.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert before.ReferencedSOPInstanceUID == original.sop_instance_uid
    review.save_as(tmp_path / "review.dcm")
    assert not_waived(dciodvfy(tmp_path / "review.dcm")) == []
    assert bench.there(ResultKind.REVIEW) == {("orthanc", DeliveryState.PENDING), ("pacs", DeliveryState.PENDING)}


def test_what_is_rejected_loses_its_numbers_and_a_second_answer_takes_the_place_of_the_first(bench: Bench) -> None:
    bench.answer(Verdict.AGREE)
    bench.answer(Verdict.WRONG, note="vessel")
    (review,) = bench.reviews()
    assert "The reader rejects the finding" in values(review, "CODE")
    assert values(review, "NUM") == []
    (figure,) = bench.node.feedback_book.figures()
    assert (figure.verdict, figure.count, figure.scanner, figure.package) == (Verdict.WRONG, 1, "S1", "blob")


def test_what_was_missed_is_counted_and_makes_no_object(bench: Bench) -> None:
    bench.answer(Verdict.MISSED, note="lesion", tracking="")
    assert bench.reviews() == []
    assert [figure.verdict for figure in bench.node.feedback_book.figures()] == [Verdict.MISSED]


def test_answers_to_nothing_are_refused(bench: Bench) -> None:
    with pytest.raises(UnknownFinding):
        bench.answer(Verdict.AGREE, tracking="1.2.3")
    with pytest.raises(UsageError):
        bench.answer(Verdict.MISSED)
    with pytest.raises(UsageError):
        bench.answer(Verdict.AGREE, tracking="")


def test_a_segmentation_that_comes_back_with_our_tracking_uid_corrects_its_finding_once(
    bench: Bench, tmp_path: Path
) -> None:
    record = next(record for record in bench.work.results if record.kind is ResultKind.SEG)
    drawn = bench.node.previews.dataset(record)
    drawn.SOPInstanceUID = drawn.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.4711"
    path = tmp_path / "drawn.dcm"
    drawn.save_as(path)
    desk = bench.node.feedback_desk
    assert desk.take_returned(path, read_instance(path)) == 1
    assert desk.take_returned(path, read_instance(path)) == 0, "told twice"
    own = bench.node.result_files.path(record.path)
    assert desk.take_returned(own, read_instance(own)) == 0, "our own result is no correction"
    (given,) = bench.node.feedback_book.of_study(bench.study)
    assert (given.verdict, given.finding) == (Verdict.CORRECTED, "Liver")
    assert bench.node.result_files.path(given.object_path).read_bytes() == path.read_bytes()


def test_the_evaluation_set_has_a_row_for_each_answer_and_the_objects_it_speaks_of(
    bench: Bench, tmp_path: Path
) -> None:
    bench.answer(Verdict.AGREE)
    folder = tmp_path / "set"
    written = export(folder, bench.node.feedback_book.since(), bench.node.results, bench.node.result_files)
    assert (written.answers, written.objects) == (1, 3)
    (row,) = csv.DictReader((folder / TABLE).read_text(encoding="utf-8").splitlines())
    assert (row["verdict"], row["finding"], row["scanner"]) == ("agree", "Liver", "S1")
    for name in (*row["result_files"].split(), row["answer_file"]):
        assert (folder / "objects" / name).is_file()


def test_what_is_withdrawn_stands_nowhere_and_the_report_goes_with_it(bench: Bench) -> None:
    bench.node.outbox.delivered(bench.node.outbox.take(bench.node.claims.lease, destination="orthanc")[0])
    count = bench.node.study_actions.withdraw(
        bench.study, bench.work.status.workitem.uid, author="roentgen", reason="wrong patient"
    )
    assert count == 4
    assert bench.node.results.of_study(bench.study, destination="orthanc") == ()
    page = bench.node.study_page(bench.study)
    assert all(work.withdrawn for work in page.works)
    assert bench.there(ResultKind.REJECTION) == {("pacs", DeliveryState.PENDING)}
    with pytest.raises(UnknownFinding):
        bench.answer(Verdict.AGREE, tracking=page.works[0].cards[0].tracking_uid)
    with pytest.raises(UsageError):
        bench.node.study_actions.withdraw(bench.study, bench.work.status.workitem.uid, author="r", reason=" ")


def test_running_again_schedules_the_analysis_and_its_report(bench: Bench) -> None:
    assert len(bench.node.study_actions.run_again(bench.study, bench.work.status.workitem.uid)) == 2


def test_results_that_are_on_their_way_are_not_sent_twice(bench: Bench) -> None:
    with pytest.raises(UsageError):
        bench.node.study_actions.send(bench.study, "pacs")
