"""Taking a study out of the ledger as if it had never come. For studies that the appliance made itself."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, select, update

from appliance.domain.identifiers import StudyInstanceUID
from appliance.store.engine import Ledger
from appliance.store.faults import retried
from appliance.store.schema import (
    EventRow,
    FeedbackRow,
    InstanceRow,
    OutboxRow,
    ReadingRow,
    ResultRow,
    SelectionRow,
    SeriesChoiceRow,
    SetAsideRow,
    StudyRow,
    WaitRow,
    WorkitemRow,
    WorklistRow,
    WorklistWordRow,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Files that nobody speaks of any more: relative to the cache, and to the results folder."""

    cached: tuple[str, ...]
    results: tuple[str, ...]


@retried
def remove_study(ledger: Ledger, study: StudyInstanceUID, orthanc_ids: Collection[str] = ()) -> Removed:
    """Remove every row of a study, and what was set aside of it (`orthanc_ids`); one that is not there is no error.

    Who is at work on it finds its workitem gone and can deliver nothing.
    """
    items = select(WorkitemRow.uid).where(WorkitemRow.study_instance_uid == study)
    results = select(ResultRow.sop_instance_uid).where(ResultRow.study_instance_uid == study)
    with ledger.write() as session:
        cached = tuple(session.scalars(select(InstanceRow.path).where(InstanceRow.study_instance_uid == study)))
        files = tuple(session.scalars(select(ResultRow.path).where(ResultRow.study_instance_uid == study)))
        session.execute(delete(SetAsideRow).where(SetAsideRow.orthanc_id.in_(list(orthanc_ids))))
        session.execute(delete(FeedbackRow).where(FeedbackRow.study_instance_uid == study))
        session.execute(delete(OutboxRow).where(OutboxRow.sop_instance_uid.in_(results)))
        session.execute(delete(ResultRow).where(ResultRow.study_instance_uid == study))
        session.execute(delete(WaitRow).where(WaitRow.workitem_uid.in_(items)))
        session.execute(update(WorkitemRow).where(WorkitemRow.study_instance_uid == study).values(supersedes=None))
        for table in (
            WorklistWordRow,
            WorklistRow,
            ReadingRow,
            WorkitemRow,
            EventRow,
            SelectionRow,
            SeriesChoiceRow,
            InstanceRow,
            StudyRow,
        ):
            session.execute(delete(table).where(table.study_instance_uid == study))
    return Removed(cached=cached, results=files)
