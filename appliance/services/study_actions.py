"""What a person can have done with a study that was analysed: again, withdrawn, sent elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from appliance.delivery.destinations import Destination
from appliance.domain.dicom_result import DeviceIdentity, DicomResult, ResultKind
from appliance.domain.errors import SettingsError, UnknownWorkitem, UsageError
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.logs import get_logger
from appliance.results import build_superseded_note
from appliance.services.editions import edition_name
from appliance.services.receipts.receipt_page import StudyPage, Work
from appliance.store.clock import Clock, utc_now
from appliance.store.deliveries import ORTHANC
from appliance.store.feedback import FeedbackBook
from appliance.store.outbox import Outbox
from appliance.store.results import OutgoingResult, ResultFiles
from appliance.store.workitems import Workitems

WITHDRAWN_BY_A_PERSON = "Withdrawn by a person: these objects must not be used."
LONGEST_REASON = 500
_log = get_logger(__name__)


class StudyActions:
    """Each action is its own transaction; the queue hears of it by the sweep."""

    def __init__(
        self,
        *,
        page: Callable[[StudyInstanceUID], StudyPage],
        workitems: Workitems,
        outbox: Outbox,
        book: FeedbackBook,
        files: ResultFiles,
        device: DeviceIdentity,
        destinations: Callable[[], Sequence[Destination]],
        clock: Clock = utc_now,
    ) -> None:
        self._page = page
        self._workitems = workitems
        self._outbox = outbox
        self._book = book
        self._files = files
        self._device = device
        self._destinations = destinations
        self._clock = clock

    def run_again(self, study: StudyInstanceUID, workitem: WorkitemUID) -> tuple[WorkitemUID, ...]:
        """Schedule the same analysis anew, and a report that knows of it. Raises UnknownStudy, UnknownWorkitem."""
        return self._workitems.repeat(self._work(self._page(study), workitem).status.workitem.uid)

    def withdraw(self, study: StudyInstanceUID, workitem: WorkitemUID, *, author: str, reason: str) -> int:
        """Withdraw the results of an analysis and the report that rests on them; how many objects.

        Raises UnknownStudy, UnknownWorkitem, UsageError, ResultRefused.
        """
        if not reason.strip():
            raise UsageError("a reason is needed: it stands in the timeline", where=workitem)
        page = self._page(study)
        work = self._work(page, workitem)
        works = [work, *(item for item in page.works if item.is_report and not work.is_report and not item.withdrawn)]
        standing = [item for each in works for item in each.results if item.kind is not ResultKind.REJECTION]
        if not standing:
            raise UsageError("it has no results that stand", where=workitem)
        uids = [item.status.workitem.uid for item in works]
        notes = self._notes(page, work, [self._files.read(item) for item in standing])
        count = self._book.retract(uids, author=author, reason=reason.strip()[:LONGEST_REASON], notes=notes)
        _log.info("retracted", workitem=workitem, results=count)
        return count

    def send(self, study: StudyInstanceUID, destination: str) -> int:
        """Deliver the results that stand, as the node has them, to a destination; how many are due there.

        Raises UnknownStudy, SettingsError, UsageError.
        """
        place = next((item for item in self._destinations() if item.name == destination), None)
        if place is None:
            raise SettingsError("there is no such destination", where=destination)
        again = self._outbox.replay(study, destination)
        page = self._page(study)
        if any(item.status.workitem.unmet for item in page.works):
            raise UsageError("a model ran on a series that it was not made for; its results stay here", where=study)
        at_node = {item.sop_instance_uid for item in page.receipt.deliveries if item.destination == ORTHANC}
        there = {item.workitem_uid for item in page.receipt.deliveries if item.destination == destination}
        kinds = place.accepts | ({ResultKind.REVIEW} if ResultKind.SR in place.accepts else set())
        wanted = [
            record.sop_instance_uid
            for work in page.works
            for record in work.results
            if record.kind in kinds and record.sop_instance_uid in at_node and record.workitem_uid not in there
        ]
        count = again + self._book.address(study, wanted, destination)
        if not count:
            raise UsageError("everything that it takes is there or on its way", where=destination)
        return count

    def _work(self, page: StudyPage, workitem: WorkitemUID) -> Work:
        for work in page.works:
            if work.status.workitem.uid == workitem:
                return work
        raise UnknownWorkitem(where=workitem)

    def _notes(self, page: StudyPage, work: Work, rejected: Sequence[DicomResult]) -> tuple[OutgoingResult, ...]:
        """A note for each destination that takes one, of what was sent there."""
        notes = []
        item = replace(work.status.workitem, created_at=self._clock())
        for place in self._destinations():
            sent = {each.sop_instance_uid for each in page.receipt.deliveries if each.destination == place.name}
            there = [result for result in rejected if result.sop_instance_uid in sent]
            if ResultKind.REJECTION not in place.accepts or not there:
                continue
            edition = edition_name("retracted", place.name, *(result.sop_instance_uid for result in there))
            note = build_superseded_note(there, self._device, item, edition, WITHDRAWN_BY_A_PERSON)
            file = self._files.write(note.content)
            notes.append(OutgoingResult(result=note, file=file, destinations=(place.name,), for_node=False))
        return tuple(notes)
