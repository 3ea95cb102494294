"""The worklist as the ledger keeps it: lines are put here when a study changes, and read in pages.

A page costs the same however many studies there are: it is read along an index from where the page before ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from appliance.domain.errors import UnknownStudy
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.reading import Reading
from appliance.domain.workitem import URGENCY, ProcedureStepState
from appliance.domain.worklist import Entry, Place, Progress, Shown, StudyFacts, Wanted, place_of
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.events import lock
from appliance.store.faults import retried
from appliance.store.readings import reading_of
from appliance.store.schema import CursorRow, StudyRow, WorklistRow, WorklistWordRow
from appliance.store.worklist_json import entry_of, plain_patient, plain_progress, plain_reading

REVISIONS = "worklist-revisions"
_PLACE = (WorklistRow.urgency, WorklistRow.rank, WorklistRow.arrived_at, WorklistRow.study_instance_uid)
_LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistPage:
    """Some lines in their order; `next` is where to go on, None at the end."""

    entries: tuple[Entry, ...]
    next: Place | None


class Worklist:
    """The lines."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def page(self, wanted: Wanted, *, after: Place | None = None, limit: int = 50) -> WorklistPage:
        """At most `limit` lines that are wanted, those behind `after`."""
        query = _wanted(wanted).order_by(*_PLACE).limit(limit + 1)
        if after is not None:
            query = query.where(tuple_(*_PLACE) > tuple_(*after))
        with self._ledger.read() as session:
            found = tuple(entry_of(row) for row in session.scalars(query))
        return WorklistPage(entries=found[:limit], next=found[limit - 1].place if len(found) > limit else None)

    def entry(self, study: StudyInstanceUID) -> Entry:
        """The line of a study. Raises UnknownStudy."""
        with self._ledger.read() as session:
            row = session.get(WorklistRow, study)
            if row is None:
                raise UnknownStudy(where=study)
            return entry_of(row)

    def revision(self) -> int:
        """That of the line which changed last; 0 for none."""
        with self._ledger.read() as session:
            return session.scalar(select(func.max(WorklistRow.revision))) or 0

    def changed_since(self, revision: int, limit: int = 200) -> tuple[Entry, ...]:
        """Lines that changed after that, earliest first."""
        query = select(WorklistRow).where(WorklistRow.revision > revision).order_by(WorklistRow.revision).limit(limit)
        with self._ledger.read() as session:
            return tuple(entry_of(row) for row in session.scalars(query))

    def unlisted(self, limit: int = 100) -> tuple[StudyInstanceUID, ...]:
        """Studies whose line is not what the ledger says."""
        query = select(StudyRow.study_instance_uid).where(StudyRow.is_listed.is_(False)).limit(limit)
        with self._ledger.read() as session:
            return tuple(StudyInstanceUID(uid) for uid in session.scalars(query))

    @retried
    def put(self, study: StudyFacts, progress: Progress, *, as_of: int) -> bool:
        """Keep the line of a study as it was at its event `as_of`; False, and nothing changes, if more has happened.

        A line that says what it said keeps its revision.
        """
        uid = study.study_instance_uid
        with self._ledger.write() as session:
            lock(session, uid)
            known = session.get_one(StudyRow, uid)
            if known.last_event != as_of:
                return False
            _keep(session, self._clock, study, progress, reading_of(session, uid))
            known.is_listed = True
        return True


def _keep(session: Session, clock: Clock, study: StudyFacts, progress: Progress, reading: Reading) -> None:
    uid = study.study_instance_uid
    row = session.get(WorklistRow, uid)
    words = {(True, word) for word in study.patient_words} | {(False, word) for word in study.study_words}
    if row is not None and _says(row, study, progress, reading):
        return
    values = _values(study, progress, reading) | {"revision": next_revision(session, clock)}
    if row is None:
        session.add(WorklistRow(**values))
    else:
        for name, value in values.items():
            setattr(row, name, value)
    session.flush()
    said = select(WorklistWordRow.about_patient, WorklistWordRow.word).where(WorklistWordRow.study_instance_uid == uid)
    kept = {(about_patient, word) for about_patient, word in session.execute(said)}
    if kept != words:
        session.execute(delete(WorklistWordRow).where(WorklistWordRow.study_instance_uid == uid))
        session.add_all(WorklistWordRow(study_instance_uid=uid, about_patient=p, word=w) for p, w in sorted(words))


def _says(row: WorklistRow, study: StudyFacts, progress: Progress, reading: Reading) -> bool:
    return all(getattr(row, name) == value for name, value in _values(study, progress, reading).items())


def _values(study: StudyFacts, progress: Progress, reading: Reading) -> dict[str, object]:
    urgency, rank, arrived_at, uid = place_of(study, progress)
    return {
        "study_instance_uid": uid,
        "urgency": urgency,
        "rank": rank,
        "arrived_at": arrived_at,
        "status": progress.status.value,
        "modalities": _joined(study.modalities),
        "accession_number": study.accession_number[:64],
        "description": study.description[:255],
        "study_date": study.study_date,
        "study_time": study.study_time,
        "series": study.series,
        "instances": study.instances,
        "patient": plain_patient(study.patient),
        "progress": plain_progress(progress),
    } | reading_values(reading)


def reading_values(reading: Reading) -> dict[str, object]:
    """What a line says of its reading."""
    is_claimed = reading.state is not ProcedureStepState.SCHEDULED
    return {
        "is_open": reading.is_open,
        "performer": reading.performer if is_claimed else "",
        "reading": plain_reading(reading),
    }


def say_reading(session: Session, clock: Clock, reading: Reading) -> None:
    """Have the line of the study say the reading, in the transaction that changed it."""
    values = reading_values(reading) | {"revision": next_revision(session, clock)}
    session.execute(
        update(WorklistRow)
        .where(WorklistRow.study_instance_uid == reading.study_instance_uid)
        .values(values)
        .execution_options(synchronize_session=False)
    )


def next_revision(session: Session, clock: Clock) -> int:
    """The next number. Who has it holds the counter until the transaction ends, so that numbers are seen in order."""
    row = session.get(CursorRow, REVISIONS, with_for_update=True)
    if row is None:
        row = CursorRow(name=REVISIONS, position=0, moved_at=clock())
        session.add(row)
    row.position, row.moved_at = row.position + 1, clock()
    session.flush()
    return row.position


def _joined(values: Sequence[str]) -> str:
    return "\\" + "\\".join(values) + "\\" if values else ""


def _wanted(wanted: Wanted) -> Select[WorklistRow]:
    query = select(WorklistRow)
    if wanted.shown is not Shown.ALL:
        query = query.where(WorklistRow.is_open.is_(wanted.shown is Shown.OPEN))
    if wanted.performer:
        query = query.where(WorklistRow.performer == wanted.performer)
    if wanted.modality:
        query = query.where(WorklistRow.modalities.contains(_joined((wanted.modality,)), autoescape=True))
    if wanted.status is not None:
        query = query.where(WorklistRow.status == wanted.status.value)
    if wanted.priority is not None:
        query = query.where(WorklistRow.urgency == URGENCY[wanted.priority])
    if wanted.arrived_since is not None:
        query = query.where(WorklistRow.arrived_at >= wanted.arrived_since)
    for term in wanted.terms:
        query = query.where(WorklistRow.study_instance_uid.in_(_having(term, sees_patients=wanted.sees_patients)))
    return query


def _having(term: str, *, sees_patients: bool) -> Select[str]:
    begins: ColumnElement[bool] = and_(WorklistWordRow.word >= term, WorklistWordRow.word < term + _LAST_CHARACTER)
    query = select(WorklistWordRow.study_instance_uid).where(begins)
    return query if sees_patients else query.where(WorklistWordRow.about_patient.is_(False))
