"""Claiming, releasing and finishing the reading of studies, by the rules of UPS (PS3.4 CC.2.1).

The line of the worklist says it from the same transaction on, so that two who claim at once do not both believe it.
"""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from appliance.domain.errors import ReadingClaimed, ReadingFinal, ReadingNotClaimed, UnknownReading
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID, derived_uid
from appliance.domain.reading import Reading, reading_uid
from appliance.domain.workitem import ProcedureStepState
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.events import lock
from appliance.store.faults import retried
from appliance.store.readings import put_reading, reading_from, reading_of
from appliance.store.schema import ReadingRow, WorklistRow
from appliance.store.worklist import say_reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Who reads: an account, and how it is shown."""

    name: str
    shown: str


class ReadingRoom:
    """The readings. Raises UnknownReading for a study that is on no worklist."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def study_of(self, uid: WorkitemUID) -> StudyInstanceUID:
        """The study that a reading is of. Raises UnknownReading."""
        return self.get(uid).study_instance_uid

    def get(self, uid: WorkitemUID) -> Reading:
        """One reading that was ever claimed. Raises UnknownReading."""
        with self._ledger.read() as session:
            row = session.get(ReadingRow, uid)
            if row is None:
                raise UnknownReading(where=uid)
            return reading_from(row)

    @retried
    def claim(self, study: StudyInstanceUID, by: Performer, transaction_uid: str = "") -> Reading:
        """Take the reading to IN PROGRESS. transaction_uid: the lock that a program chose; people get one of their own.

        Claiming again what is one's own changes nothing. Raises ReadingClaimed, ReadingFinal.
        """
        with self._ledger.write() as session:
            now = _current(session, study)
            if not now.is_open:
                raise ReadingFinal(where=study)
            if now.state is ProcedureStepState.IN_PROGRESS:
                if now.performer == by.name and not transaction_uid:
                    return now
                raise ReadingClaimed(f"{now.performer_name} is reading it", where=study)
            return self._become(
                session,
                replace(now, performer=by.name, performer_name=by.shown),
                ProcedureStepState.IN_PROGRESS,
                transaction_uid or derived_uid("reading-transaction", now.uid, by.name, self._clock().isoformat()),
            )

    @retried
    def release(self, study: StudyInstanceUID, by: Performer, transaction_uid: str = "") -> Reading:
        """Let go: the reading is CANCELED, and another is SCHEDULED. Raises ReadingNotClaimed, ReadingFinal."""
        with self._ledger.write() as session:
            now = _current(session, study)
            lock_of = self._held(session, now, by, transaction_uid)
            self._become(session, now, ProcedureStepState.CANCELED, lock_of)
            number = now.number + 1
            following = Reading(uid=reading_uid(study, number), study_instance_uid=study, number=number)
            return self._become(session, following, ProcedureStepState.SCHEDULED, "")

    @retried
    def complete(self, study: StudyInstanceUID, by: Performer, transaction_uid: str = "") -> Reading:
        """The study is read. Raises ReadingNotClaimed, ReadingFinal."""
        with self._ledger.write() as session:
            now = _current(session, study)
            lock_of = self._held(session, now, by, transaction_uid)
            return self._become(session, now, ProcedureStepState.COMPLETED, lock_of)

    def _held(self, session: Session, reading: Reading, by: Performer, transaction_uid: str) -> str:
        """The lock of a reading that `by` holds."""
        if not reading.is_open:
            raise ReadingFinal(where=reading.study_instance_uid)
        row = session.get(ReadingRow, reading.uid)
        if row is None or reading.state is ProcedureStepState.SCHEDULED:
            raise ReadingNotClaimed(where=reading.study_instance_uid)
        if row.performer != by.name or (transaction_uid and transaction_uid != row.transaction_uid):
            raise ReadingClaimed(f"{row.performer_name} is reading it", where=reading.study_instance_uid)
        return row.transaction_uid

    def _become(self, session: Session, reading: Reading, state: ProcedureStepState, transaction_uid: str) -> Reading:
        became = replace(reading, state=state, changed_at=self._clock())
        put_reading(session, became, transaction_uid)
        say_reading(session, self._clock, became)
        return became


def _current(session: Session, study: StudyInstanceUID) -> Reading:
    """The latest reading of a study, which is held against other writers until the transaction ends."""
    lock(session, study)
    if session.get(WorklistRow, study) is None:
        raise UnknownReading(where=study)
    return reading_of(session, study)
