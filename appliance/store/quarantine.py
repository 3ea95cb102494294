"""What was kept out, by the gate or by our own reading, and what people decided about it. No patient data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.domain.errors import UnknownObject
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, record
from appliance.store.faults import retried
from appliance.store.schema import QuarantineRow, StudyRow


class HoldState(StrEnum):
    """What became of an object that was kept out."""

    HELD = "held"
    RELEASED = "released"
    DISCARDED = "discarded"


class Way(StrEnum):
    """How an object came: by C-STORE, over HTTP, out of Orthanc after a crash, or read by us and refused."""

    DICOM = "dicom"
    HTTP = "http"
    CRASH = "crash"
    READER = "reader"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One object that was kept out.

    `id` derives from its content, or from Orthanc's identifier where Orthanc has it; `times` counts how often it came;
    `kept` tells whether its bytes are still there.
    """

    id: str
    code: str
    detail: str
    way: Way
    at: datetime
    size: int
    sha256: str
    times: int = 1
    kept: bool = True
    calling_aet: str = ""
    address: str = ""
    study_instance_uid: str = ""
    orthanc_id: str = ""
    state: HoldState = HoldState.HELD
    decided_at: datetime | None = None
    decided_by: str = ""
    decision: str = ""


class Quarantine:
    """The objects that were kept out."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def take(self, objects: Iterable[Held]) -> int:
        """Remember these objects; how many are new. One that was decided about and came again is held again."""
        return self._take(tuple(objects))

    @retried
    def _take(self, objects: Sequence[Held]) -> int:
        with self._ledger.write() as session:
            return sum(self._keep(session, item) for item in objects)

    def _keep(self, session: Session, item: Held) -> bool:
        known = session.get(QuarantineRow, item.id)
        if known is None:
            session.add(_row(item))
        elif known.decided_at is not None and item.at > known.decided_at:
            session.delete(known)
            session.flush()
            session.add(_row(item))
        else:
            known.times, known.kept = max(known.times, item.times), item.kept
            known.calling_aet = known.calling_aet or item.calling_aet
            known.address = known.address or item.address
            return False
        _tell(session, item, EventKind.KEPT_OUT, item.at, item.code)
        return True

    def latest(self, *states: HoldState, limit: int = 100) -> tuple[Held, ...]:
        """The objects in these states (all of them where none is named), the newest first."""
        query = select(QuarantineRow).order_by(QuarantineRow.at.desc(), QuarantineRow.id).limit(limit)
        if states:
            query = query.where(QuarantineRow.state.in_([state.value for state in states]))
        with self._ledger.read() as session:
            return tuple(_held(row) for row in session.scalars(query))

    def counts(self) -> dict[str, int]:
        """How many objects are held, by code."""
        query = select(QuarantineRow.code, func.count().label("objects")).where(
            QuarantineRow.state == HoldState.HELD.value
        )
        with self._ledger.read() as session:
            return {row.code: row.objects for row in session.execute(query.group_by(QuarantineRow.code))}

    def get(self, identifier: str) -> Held:
        """The object whose identifier begins so. Raises UnknownObject if none or several do."""
        query = select(QuarantineRow).where(QuarantineRow.id.startswith(identifier, autoescape=True)).limit(2)
        with self._ledger.read() as session:
            found = [_held(row) for row in session.scalars(query)]
        if len(found) != 1 or not identifier:
            raise UnknownObject("no such object" if not found else "more than one begins so", where=identifier)
        return found[0]

    def is_released(self, sha256: str) -> bool:
        """Whether content with this hash was let in by a person."""
        query = select(QuarantineRow.id).where(
            QuarantineRow.sha256 == sha256, QuarantineRow.state == HoldState.RELEASED.value
        )
        with self._ledger.read() as session:
            return session.scalar(query.limit(1)) is not None

    @retried
    def decide(self, identifier: str, state: HoldState, *, by: str, why: str) -> None:
        """Close the matter of a held object. Raises UnknownObject if it is not held (any more)."""
        with self._ledger.write() as session:
            row = session.get(QuarantineRow, identifier, with_for_update=True)
            if row is None or row.state != HoldState.HELD.value:
                raise UnknownObject("this object is not held", where=identifier)
            row.state, row.decided_at, row.decided_by, row.decision = state.value, self._clock(), by[:64], why
            row.kept = row.kept and row.way == Way.READER.value
            kind = EventKind.LET_IN if state is HoldState.RELEASED else EventKind.DISCARDED
            _tell(session, _held(row), kind, self._clock(), row.code)


def _tell(session: Session, item: Held, kind: EventKind, at: datetime, code: str) -> None:
    """A line in the study's timeline, if there is such a study."""
    if item.study_instance_uid and session.get(StudyRow, str(item.study_instance_uid)) is not None:
        record(session, item.study_instance_uid, kind, at, code=code, object=item.id)


def _row(item: Held) -> QuarantineRow:
    return QuarantineRow(
        id=item.id,
        code=item.code,
        detail=item.detail,
        way=item.way.value,
        at=item.at,
        size=item.size,
        sha256=item.sha256,
        times=item.times,
        kept=item.kept,
        calling_aet=item.calling_aet,
        address=item.address,
        study_instance_uid=item.study_instance_uid,
        orthanc_id=item.orthanc_id,
        state=item.state.value,
    )


def _held(row: QuarantineRow) -> Held:
    return Held(
        id=row.id,
        code=row.code,
        detail=row.detail,
        way=Way(row.way),
        at=row.at,
        size=row.size,
        sha256=row.sha256,
        times=row.times,
        kept=row.kept,
        calling_aet=row.calling_aet,
        address=row.address,
        study_instance_uid=row.study_instance_uid,
        orthanc_id=row.orthanc_id,
        state=HoldState(row.state),
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision=row.decision,
    )
