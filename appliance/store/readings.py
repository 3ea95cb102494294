"""Readings by people, as rows; `services.worklist.desk` says who may change them how."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.domain.reading import Reading, first_reading
from appliance.domain.workitem import ProcedureStepState
from appliance.store.schema import ReadingRow


def reading_of(session: Session, study: StudyInstanceUID) -> Reading:
    """The latest reading of a study; the one that nobody has touched where there is no row."""
    query = select(ReadingRow).where(ReadingRow.study_instance_uid == study).order_by(ReadingRow.number.desc())
    row = session.scalars(query.limit(1)).first()
    return reading_from(row) if row is not None else first_reading(study)


def reading_from(row: ReadingRow) -> Reading:
    """The reading of a row."""
    return Reading(
        uid=WorkitemUID(row.uid),
        study_instance_uid=StudyInstanceUID(row.study_instance_uid),
        number=row.number,
        state=ProcedureStepState(row.state),
        performer=row.performer,
        performer_name=row.performer_name,
        changed_at=row.changed_at,
    )


def put_reading(session: Session, reading: Reading, transaction_uid: str) -> None:
    """Write the row of a reading, in place of what it said before."""
    session.merge(
        ReadingRow(
            uid=reading.uid,
            study_instance_uid=reading.study_instance_uid,
            number=reading.number,
            state=reading.state.value,
            performer=reading.performer,
            performer_name=reading.performer_name,
            transaction_uid=transaction_uid,
            changed_at=reading.changed_at,
        )
    )
    session.flush()
