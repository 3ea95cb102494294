"""Workitems: scheduling them once, and finding those that can run."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from appliance.domain.errors import UnknownWorkitem
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.domain.workitem import FINAL_STATES, Analysis, ProcedureStepState, Workitem, workitem_uid
from appliance.store import transitions
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.events import EventKind, lock
from appliance.store.faults import retried
from appliance.store.revisions import due_revisions
from appliance.store.schema import StudyRow, WaitRow, WorkitemRow
from appliance.store.workitem_rows import WorkitemStatus, analysis, load, status, to_row


class Workitems:
    """The list of work."""

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    @retried
    def schedule(
        self, workitems: Sequence[Workitem], *, as_of: datetime | None = None, rules_revision: int = 0
    ) -> tuple[WorkitemUID, ...] | None:
        """Add what is new, and tell which that was; a workitem that is known stays as it is.

        A new workitem for a package and series that had one replaces it: work on the earlier one ends, and its results
        are superseded when the new one completes. Workitems that are waited for come before those that wait.

        None, and nothing is added, where a study has received something since `as_of`: who planned with less must not
        replace the work of who planned with more.
        """
        added = []
        with self._ledger.write() as session:
            studies = sorted({workitem.study_instance_uid for workitem in workitems})
            for study in studies:
                lock(session, study)
                if as_of is not None and session.get_one(StudyRow, study).last_arrival_at != as_of:
                    return None
            for workitem in workitems:
                if session.get(WorkitemRow, workitem.uid) is None:
                    self._add(session, workitem, rules_revision)
                    added.append(workitem.uid)
        return tuple(added)

    def _add(self, session: Session, workitem: Workitem, rules_revision: int) -> None:
        now = self._clock()
        earlier = _earlier(session, workitem)
        row = to_row(workitem)
        row.supersedes = earlier[0].uid if earlier else None
        row.not_before = transitions.opening(workitem.run_between, now)
        session.add(row)
        session.flush()
        session.add_all(WaitRow(workitem_uid=workitem.uid, waits_for=uid) for uid in dict.fromkeys(workitem.waits_for))
        transitions.note(session, row, EventKind.SCHEDULED, now, version=workitem.version, rules=rules_revision)
        for old in earlier:
            if ProcedureStepState(old.state) not in FINAL_STATES:
                transitions.cancel(session, old, transitions.SUPERSEDED, f"replaced by {workitem.uid}", now)

    def due_revisions(self, workitems: Sequence[Workitem]) -> dict[WorkitemUID, int]:
        """Those that other work had taken the place of, and the revision under which each is to be done anew."""
        with self._ledger.read() as session:
            return due_revisions(session, workitems)

    def get(self, uid: WorkitemUID) -> WorkitemStatus:
        """One workitem. Raises UnknownWorkitem."""
        with self._ledger.read() as session:
            row = session.get(WorkitemRow, uid)
            if row is None:
                raise UnknownWorkitem(where=uid)
            return status(session, row)

    def of_study(self, study: StudyInstanceUID) -> tuple[WorkitemStatus, ...]:
        """All workitems of a study, oldest first."""
        query = select(WorkitemRow).where(WorkitemRow.study_instance_uid == study)
        with self._ledger.read() as session:
            rows = session.scalars(query.order_by(WorkitemRow.created_at, WorkitemRow.uid))
            return tuple(status(session, row) for row in rows)

    def in_state(self, *states: ProcedureStepState, limit: int = 1000) -> tuple[WorkitemStatus, ...]:
        """Workitems in any of `states`, most urgent and oldest first."""
        query = select(WorkitemRow).where(WorkitemRow.state.in_([state.value for state in states]))
        with self._ledger.read() as session:
            rows = session.scalars(query.order_by(*_BY_URGENCY).limit(limit))
            return tuple(status(session, row) for row in rows)

    def dead(self, limit: int = 1000) -> tuple[WorkitemStatus, ...]:
        """Workitems that ended without results, by no wish of anybody, and were not replaced since; newest first."""
        query = select(WorkitemRow).where(transitions.ended_badly())
        query = query.where(WorkitemRow.reason_code != transitions.CANCELED_BY_USER)
        with self._ledger.read() as session:
            rows = session.scalars(query.order_by(WorkitemRow.finished_at.desc(), WorkitemRow.uid).limit(limit))
            return tuple(status(session, row) for row in rows)

    def runnable(self, study: StudyInstanceUID | None = None, limit: int = 1000) -> tuple[Workitem, ...]:
        """What could be claimed now, most urgent first: nothing to wait for, and no attempt that is alive."""
        now = self._clock()
        query = transitions.unblocked(select(WorkitemRow)).where(_claimable(now))
        if study is not None:
            query = query.where(WorkitemRow.study_instance_uid == study)
        with self._ledger.read() as session:
            rows = session.scalars(query.order_by(*_BY_URGENCY).limit(limit))
            return tuple(load(session, row) for row in rows)

    def queued(self) -> int:
        """How many workitems could be claimed now and had a message sent."""
        query = transitions.unblocked(select(WorkitemRow)).where(_claimable(self._clock()))
        query = query.where(WorkitemRow.enqueued_at.is_not(None))
        with self._ledger.read() as session:
            return session.scalars(select(func.count()).select_from(query.subquery())).one()

    @retried
    def take_unqueued(self, again_after: timedelta, study: StudyInstanceUID | None = None) -> tuple[Workitem, ...]:
        """The runnable workitems that no message speaks of since `again_after`; marks them as having one now.

        A lost message costs this wait, a superfluous one costs a claim that fails: neither changes a result.
        """
        now = self._clock()
        candidates = {item.uid: item for item in self.runnable(study)}
        with self._ledger.write() as session:
            free = session.scalars(
                select(WorkitemRow.uid)
                .where(WorkitemRow.uid.in_(candidates), _claimable(now))
                .where(or_(WorkitemRow.enqueued_at.is_(None), WorkitemRow.enqueued_at <= now - again_after))
                .order_by(WorkitemRow.uid)
                .with_for_update(skip_locked=True)
            ).all()
            taken = session.scalars(
                update(WorkitemRow)
                .where(WorkitemRow.uid.in_(free))
                .values(enqueued_at=now)
                .returning(WorkitemRow.uid)
                .execution_options(synchronize_session=False)
            ).all()
        marked = set(taken)
        return tuple(item for uid, item in candidates.items() if uid in marked)

    @retried
    def forget_queued(self, uids: Sequence[WorkitemUID]) -> None:
        """The messages could not be sent after all."""
        with self._ledger.write() as session:
            session.execute(update(WorkitemRow).where(WorkitemRow.uid.in_(uids)).values(enqueued_at=None))

    @retried
    def cancel(self, uid: WorkitemUID, code: str, detail: str = "") -> None:
        """Close a workitem that is not final; an attempt that holds it can no longer deliver. Raises LedgerError."""
        with self._ledger.write() as session:
            transitions.cancel(session, transitions.locked(session, uid), code, detail, self._clock())

    def analyses(self, study: StudyInstanceUID) -> tuple[Analysis, ...]:
        """What the workitems of a study found that completed and were not replaced; masks are left out."""
        rows = select(WorkitemRow).where(WorkitemRow.study_instance_uid == study)
        with self._ledger.read() as session:
            completed = session.scalars(rows.where(_completed()).order_by(WorkitemRow.finished_at, WorkitemRow.uid))
            return tuple(analysis(session, row) for row in _without_replaced(completed.all()))

    def analyses_of(self, uids: Sequence[WorkitemUID]) -> tuple[Analysis, ...]:
        """What those of `uids` that completed found, in an order that depends on nothing else; masks are left out."""
        rows = select(WorkitemRow).where(WorkitemRow.uid.in_(uids))
        with self._ledger.read() as session:
            return tuple(
                analysis(session, row) for row in session.scalars(rows.where(_completed()).order_by(WorkitemRow.uid))
            )

    def repeat(self, uid: WorkitemUID) -> tuple[WorkitemUID, ...]:
        """Schedule a deliberate re-analysis, and a new report where one waited for this workitem."""
        with self._ledger.read() as session:
            row = session.get(WorkitemRow, uid)
            if row is None:
                raise UnknownWorkitem(where=uid)
            again = self._revised(session, row, {})
            waiting = session.scalars(
                select(WorkitemRow)
                .join(WaitRow, WaitRow.workitem_uid == WorkitemRow.uid)
                .where(WaitRow.waits_for == uid, WorkitemRow.series_instance_uid.is_(None))
                .order_by(WorkitemRow.created_at.desc())
            ).first()
            reports = () if waiting is None else (self._revised(session, waiting, {uid: again.uid}),)
        return self.schedule((again, *reports)) or ()

    def _revised(self, session: Session, row: WorkitemRow, renewed: dict[WorkitemUID, WorkitemUID]) -> Workitem:
        last = session.scalars(select(func.max(WorkitemRow.revision)).where(_same_work(load(session, row)))).one()
        old = load(session, row)
        revision = last + 1
        uid = workitem_uid(
            old.study_instance_uid, old.series_instance_uid, old.package, old.version, old.sop_instance_uids, revision
        )
        waits_for = tuple(renewed.get(awaited, awaited) for awaited in old.waits_for)
        # somebody asks for it now: hours are for work that nobody waits for
        return replace(old, uid=uid, revision=revision, created_at=self._clock(), waits_for=waits_for, run_between=None)


_BY_URGENCY = (WorkitemRow.urgency, WorkitemRow.created_at, WorkitemRow.uid)


def _completed() -> ColumnElement[bool]:
    return WorkitemRow.state == ProcedureStepState.COMPLETED.value


def _claimable(now: datetime) -> ColumnElement[bool]:
    scheduled = WorkitemRow.state == ProcedureStepState.SCHEDULED.value
    abandoned = and_(
        WorkitemRow.state == ProcedureStepState.IN_PROGRESS.value,
        WorkitemRow.lease_expires_at <= now,
    )
    return and_(or_(scheduled, abandoned), or_(WorkitemRow.not_before.is_(None), WorkitemRow.not_before <= now))


def _same_work(workitem: Workitem) -> ColumnElement[bool]:
    return and_(
        WorkitemRow.study_instance_uid == workitem.study_instance_uid,
        WorkitemRow.series_instance_uid.is_not_distinct_from(workitem.series_instance_uid),
        WorkitemRow.package == workitem.package,
    )


def _earlier(session: Session, workitem: Workitem) -> list[WorkitemRow]:
    replaced = _same_work(workitem)
    if workitem.instead:
        same_package = WorkitemRow.package == workitem.package
        replaced = and_(WorkitemRow.study_instance_uid == workitem.study_instance_uid, same_package)
    query = select(WorkitemRow).where(replaced).order_by(WorkitemRow.created_at.desc(), WorkitemRow.uid)
    return list(session.scalars(query.with_for_update()))


def _without_replaced(rows: Sequence[WorkitemRow]) -> Iterator[WorkitemRow]:
    """Of completed workitems, oldest first: the newest of each package and series that no other series replaced."""
    newest = {(row.package, row.series_instance_uid): (index, row) for index, row in enumerate(rows)}
    chosen = {row.package: index for index, row in enumerate(rows) if row.instead}
    return (row for index, row in newest.values() if index >= chosen.get(row.package, 0))
