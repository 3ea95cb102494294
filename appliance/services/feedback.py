"""Readers answer findings: each answer goes into the ledger, and as a verified SR wherever the finding went."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.errors import ApplianceError, ResultRefused, UnknownFinding, UsageError
from appliance.domain.feedback import Feedback, Verdict
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.domain.study import Instance
from appliance.logs import get_logger
from appliance.results.review_document import VERDICTS, ReaderAnswer, build_review, review_series_uid
from appliance.services.receipts.receipt_page import StudyPage, Work
from appliance.store.clock import Clock, utc_now
from appliance.store.deliveries import ORTHANC
from appliance.store.feedback import FeedbackBook
from appliance.store.instances import Instances
from appliance.store.outbox import Outbox
from appliance.store.results import OutgoingResult, ResultFiles, ResultRecord

LONGEST_NOTE = 1000
BY_OBJECT = "(by object)"
"""The reader of a correction that came as an object: who drew it is not said there in a way that can be trusted."""
_RETURNED = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7", "1.2.840.10008.5.1.4.1.1.88.")
"""SOP Class UIDs, or beginnings of them, in which a correction can come: SEG, label map SEG, SR."""
_log = get_logger(__name__)


class FeedbackDesk:
    """Takes answers."""

    def __init__(
        self,
        *,
        page: Callable[[StudyInstanceUID], StudyPage],
        book: FeedbackBook,
        instances: Instances,
        outbox: Outbox,
        files: ResultFiles,
        tracking: Callable[[Path], Sequence[str]],
        organisation: str,
        clock: Clock = utc_now,
    ) -> None:
        """tracking: the tracking UIDs that a SEG or SR carries; raises InputRefused."""
        self._page = page
        self._book = book
        self._instances = instances
        self._outbox = outbox
        self._files = files
        self._tracking = tracking
        self._organisation = organisation
        self._clock = clock

    def answer(
        self,
        study: StudyInstanceUID,
        workitem: WorkitemUID,
        tracking_uid: str,
        verdict: Verdict,
        *,
        reader: str,
        reader_name: str,
        note: str = "",
    ) -> Feedback:
        """Keep an answer to a finding, or (tracking_uid "") that something was missed, and send it on its way.

        Raises UnknownStudy, UnknownFinding, UsageError, ResultRefused.
        """
        page = self._page(study)
        work = next((item for item in page.works if item.status.workitem.uid == workitem), None)
        card = next((item for item in work.cards if item.tracking_uid == tracking_uid), None) if work else None
        if work is None or work.withdrawn or (tracking_uid and card is None):
            raise UnknownFinding(where=tracking_uid or workitem)
        if bool(tracking_uid) == (verdict is Verdict.MISSED):
            raise UsageError("only something that is no finding can have been missed", where=tracking_uid)
        feedback = self._feedback(work, tracking_uid, card.name if card else "", verdict, reader, reader_name, note)
        reviews = self._reviews(page, work, feedback) if verdict in VERDICTS else ()
        first = reviews[0].result.sop_instance_uid if reviews else ""
        feedback = replace(feedback, object_uid=first)
        self._book.add(feedback, reviews)
        _log.info("feedback", workitem=workitem, verdict=verdict.value, objects=len(reviews))
        return feedback

    def take_returned(self, path: Path, instance: Instance) -> int:
        """A segmentation or report that came in: if it names findings of ours it corrects them; how many.

        Never raises for what is wrong with the object: it is nobody's input.
        """
        study = StudyInstanceUID(str(instance.attributes.get("StudyInstanceUID", "")))
        if not instance.sop_class_uid.startswith(_RETURNED):
            return 0
        try:
            return self._take(path, instance, study)
        except ApplianceError as error:
            _log.warning("a returned object was not understood", code=error.code)
            return 0

    def _take(self, path: Path, instance: Instance, study: StudyInstanceUID) -> int:
        page = self._page(study)
        if instance.sop_instance_uid in {record.sop_instance_uid for record in page.receipt.results}:
            return 0
        known = {feedback.object_uid for feedback in self._book.of_study(study)}
        found = [page.card(uid) for uid in self._tracking(path)] if instance.sop_instance_uid not in known else []
        corrected = [item for item in found if item is not None]
        if not corrected:
            return 0
        kept = self._files.write(path.read_bytes())
        for work, card in corrected:
            feedback = self._feedback(work, card.tracking_uid, card.name, Verdict.CORRECTED, BY_OBJECT, "", "")
            self._book.add(replace(feedback, object_uid=instance.sop_instance_uid, object_path=kept.path))
        _log.info("corrections came back", findings=len(corrected))
        return len(corrected)

    def _feedback(
        self, work: Work, tracking_uid: str, name: str, verdict: Verdict, reader: str, reader_name: str, note: str
    ) -> Feedback:
        item = work.status.workitem
        arrived = self._instances.of_study(item.study_instance_uid, item.series_instance_uid)
        header = arrived[0].instance.attributes if arrived else {}
        return Feedback(
            study_instance_uid=item.study_instance_uid,
            workitem_uid=item.uid,
            tracking_uid=tracking_uid,
            finding=name,
            verdict=verdict,
            reader=reader,
            reader_name=reader_name,
            note=note.strip()[:LONGEST_NOTE],
            package=item.package,
            version=item.version,
            manufacturer=str(header.get("Manufacturer", "")),
            scanner=str(header.get("ManufacturerModelName", "")),
            at=_whole_second(self._clock()),
        )

    def _reviews(self, page: StudyPage, work: Work, newest: Feedback) -> tuple[OutgoingResult, ...]:
        """One for each edition of the measurement report, to wherever that one went."""
        given = [item for item in (*self._book.of_study(page.uid), newest) if item.workitem_uid == newest.workitem_uid]
        latest = {item.tracking_uid: item for item in given if item.tracking_uid and item.reader != BY_OBJECT}
        answers = [
            ReaderAnswer(
                tracking_uid=item.tracking_uid,
                verdict=item.verdict,
                reader_name=item.reader_name,
                at=item.at,
                note=item.note,
            )
            for item in latest.values()
        ]
        earlier = [self._files.read(record) for record in work.results if record.kind is ResultKind.REVIEW]
        outgoing = []
        for record in work.results:
            if record.kind is not ResultKind.SR:
                continue
            original = self._files.read(record)
            mine = [item for item in earlier if _answers(item, original)]
            try:
                review = build_review(original, mine, answers, self._organisation)
            except ResultRefused:
                _log.error("a review could not be made", workitem=record.workitem_uid)
                raise
            places = self._places(page, record)
            outgoing.append(
                OutgoingResult(
                    result=review,
                    file=self._files.write(review.content),
                    destinations=tuple(place for place in places if place != ORTHANC),
                    for_node=ORTHANC in places,
                )
            )
        return tuple(outgoing)

    def _places(self, page: StudyPage, record: ResultRecord) -> tuple[str, ...]:
        deliveries = self._outbox.of_study(page.uid)
        return tuple(item.destination for item in deliveries if item.sop_instance_uid == record.sop_instance_uid)


def _answers(review: DicomResult, original: DicomResult) -> bool:
    return review.series_instance_uid == review_series_uid(original.series_instance_uid)


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
