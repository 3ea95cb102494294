"""Answers of readers: kept with the objects that say them, and counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.domain.dicom_result import ResultKind
from appliance.domain.feedback import Feedback, Verdict
from appliance.domain.identifiers import SOPInstanceUID, StudyInstanceUID, WorkitemUID
from appliance.store import deliveries
from appliance.store.claims import keep_results
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, lock, record
from appliance.store.faults import retried
from appliance.store.results import OutgoingResult
from appliance.store.schema import FeedbackRow, OutboxRow, ResultRow
from appliance.store.transitions import locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How often a verdict was given: of a model version, on a scanner, in a month. Of a finding the newest counts."""

    package: str
    version: str
    manufacturer: str
    scanner: str
    month: str
    verdict: Verdict
    count: int


class FeedbackBook:
    """Append only."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def add(self, feedback: Feedback, reviews: Sequence[OutgoingResult] = ()) -> None:
        """Keep an answer; `reviews` take the place of the earlier reviews of its workitem and are delivered.

        Raises UnknownWorkitem.
        """
        now = self._clock()
        with self._ledger.write() as session:
            row = locked(session, feedback.workitem_uid)
            session.add(_row(feedback))
            if reviews:
                _retire(session, feedback.workitem_uid)
                keep_results(session, row, reviews, now)
            record(
                session,
                feedback.study_instance_uid,
                EventKind.FEEDBACK,
                now,
                series=row.series_instance_uid,
                workitem=row.uid,
                package=feedback.package,
                verdict=feedback.verdict.value,
                reader=feedback.reader,
            )

    @retried
    def retract(
        self, workitems: Iterable[WorkitemUID], *, author: str, reason: str, notes: Sequence[OutgoingResult] = ()
    ) -> int:
        """No result of these workitems, all of one study, stands any more; how many. `notes`, of the first of them, say
        so at the destinations. What the node has of them is then taken out like what was replaced.
        """
        now, uids = self._clock(), list(workitems)
        with self._ledger.write() as session:
            first = locked(session, uids[0])
            query = select(ResultRow).where(ResultRow.workitem_uid.in_(uids), ResultRow.superseded_by.is_(None))
            rows = list(session.scalars(query.where(ResultRow.kind != ResultKind.REJECTION.value)))
            for result in rows:
                result.superseded_by = result.workitem_uid
            deliveries.withdraw(session, [result.sop_instance_uid for result in rows])
            keep_results(session, first, notes, now)
            record(
                session,
                first.study_instance_uid,
                EventKind.RETRACTED,
                now,
                workitem=first.uid,
                package=first.package,
                author=author,
                reason=reason,
                results=len(rows),
            )
        return len(rows)

    @retried
    def address(self, study: StudyInstanceUID, sop_instance_uids: Iterable[SOPInstanceUID], destination: str) -> int:
        """Have results delivered to a destination that they were not addressed to; how many are new there."""
        now = self._clock()
        with self._ledger.write() as session:
            lock(session, study)
            known = set(session.scalars(select(OutboxRow.sop_instance_uid).where(OutboxRow.destination == destination)))
            fresh = [uid for uid in sop_instance_uids if uid not in known]
            for uid in fresh:
                deliveries.add_deliveries(session, uid, [destination], 0, now)
            if fresh:
                record(session, study, EventKind.ADDRESSED, now, destination=destination, results=len(fresh))
        return len(fresh)

    def of_study(self, study: StudyInstanceUID) -> tuple[Feedback, ...]:
        """Every answer to findings of a study, oldest first."""
        query = select(FeedbackRow).where(FeedbackRow.study_instance_uid == study)
        with self._ledger.read() as session:
            return tuple(_feedback(row) for row in session.scalars(query.order_by(FeedbackRow.id)))

    def since(self, moment: datetime | None = None) -> tuple[Feedback, ...]:
        """Every answer since, oldest first."""
        query = select(FeedbackRow)
        if moment is not None:
            query = query.where(FeedbackRow.at >= moment)
        with self._ledger.read() as session:
            return tuple(_feedback(row) for row in session.scalars(query.order_by(FeedbackRow.id)))

    def figures(self, since: datetime | None = None) -> tuple[Figure, ...]:
        """Counts per model, version, scanner, month and verdict."""
        newest = select(func.max(FeedbackRow.id)).where(FeedbackRow.tracking_uid != "")
        newest = newest.group_by(FeedbackRow.tracking_uid)
        columns = (
            FeedbackRow.package,
            FeedbackRow.version,
            FeedbackRow.manufacturer,
            FeedbackRow.scanner,
            FeedbackRow.month,
            FeedbackRow.verdict,
        )
        query = select(*columns, func.count()).where(
            (FeedbackRow.tracking_uid == "") | FeedbackRow.id.in_(newest.scalar_subquery())
        )
        if since is not None:
            query = query.where(FeedbackRow.at >= since)
        with self._ledger.read() as session:
            rows = session.execute(query.group_by(*columns).order_by(*columns)).all()
        return tuple(
            Figure(
                package=package,
                version=version,
                manufacturer=manufacturer,
                scanner=scanner,
                month=month,
                verdict=Verdict(verdict),
                count=count,
            )
            for package, version, manufacturer, scanner, month, verdict, count in rows
        )


def _retire(session: Session, workitem: WorkitemUID) -> None:
    query = select(ResultRow).where(ResultRow.workitem_uid == workitem, ResultRow.kind == ResultKind.REVIEW.value)
    rows = list(session.scalars(query.where(ResultRow.superseded_by.is_(None))))
    for row in rows:
        row.superseded_by = workitem
    deliveries.withdraw(session, [row.sop_instance_uid for row in rows])


def _row(feedback: Feedback) -> FeedbackRow:
    return FeedbackRow(
        study_instance_uid=feedback.study_instance_uid,
        workitem_uid=feedback.workitem_uid,
        tracking_uid=feedback.tracking_uid,
        finding=feedback.finding[:128],
        verdict=feedback.verdict.value,
        reader=feedback.reader,
        reader_name=feedback.reader_name,
        note=feedback.note,
        package=feedback.package,
        version=feedback.version,
        manufacturer=feedback.manufacturer[:128],
        scanner=feedback.scanner[:128],
        at=feedback.at,
        month=feedback.month,
        object_uid=feedback.object_uid,
        object_path=feedback.object_path,
    )


def _feedback(row: FeedbackRow) -> Feedback:
    return Feedback(
        study_instance_uid=StudyInstanceUID(row.study_instance_uid),
        workitem_uid=WorkitemUID(row.workitem_uid),
        tracking_uid=row.tracking_uid,
        finding=row.finding,
        verdict=Verdict(row.verdict),
        reader=row.reader,
        reader_name=row.reader_name,
        note=row.note,
        package=row.package,
        version=row.version,
        manufacturer=row.manufacturer,
        scanner=row.scanner,
        at=row.at,
        object_uid=row.object_uid,
        object_path=row.object_path,
    )
