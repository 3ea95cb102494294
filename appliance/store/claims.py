"""Attempts at workitems: who holds one, for how long, and how an attempt ends.

A claim is a lease: it ends unless it is renewed. Its token fences the workitem off: who holds an older token than the
row is a ghost, and nothing it says counts (LeaseLost).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance.domain.errors import AttemptsExhausted, LeaseLost
from appliance.domain.finding import Finding
from appliance.domain.identifiers import WorkitemUID
from appliance.domain.workitem import FINAL_STATES, ProcedureStepState, Workitem, WorkitemEvent
from appliance.store import deliveries, findings_json, transitions
from appliance.store.clock import Clock, utc_now
from appliance.store.engine import Ledger
from appliance.store.events import EventKind
from appliance.store.faults import retried
from appliance.store.results import OutgoingResult, replaced_by
from appliance.store.schema import ResultRow, WorkitemRow
from appliance.store.workitem_rows import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on a workitem, until `token` is overtaken."""

    workitem: Workitem
    worker: str
    attempt: int
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """How an attempt ended well. `stopped` is the code with which a stop gate refused its series."""

    findings: tuple[Finding, ...] = field(repr=False)
    results: tuple[OutgoingResult, ...] = ()
    stopped: str | None = None
    seconds: tuple[tuple[str, float], ...] = ()


class Claims:
    """Claiming workitems, and ending attempts."""

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock = utc_now,
        *,
        lease: timedelta = timedelta(seconds=60),
        max_attempts: int = 3,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._max_attempts = max_attempts
        self.lease = lease

    @retried
    def claim(self, uid: WorkitemUID, worker: str) -> Claim | None:
        """Begin an attempt; None if there is nothing to do now (closed, held by another, waiting, or worn out).

        The attempt is counted before any work, so that work which kills its worker wears the workitem out: a workitem
        that was claimed as often as allowed is closed here instead. Raises UnknownWorkitem.
        """
        now = self._clock()
        with self._ledger.write() as session:
            row = transitions.locked(session, uid)
            if not self._is_free(session, row, now):
                return None
            closed_until = transitions.opening(load(session, row).run_between, now)
            if closed_until is not None:
                row.not_before, row.enqueued_at = closed_until, None
                return None
            if row.state == ProcedureStepState.IN_PROGRESS:
                transitions.note(session, row, EventKind.LEASE_EXPIRED, now, attempt=row.attempts)
            if row.attempts >= self._max_attempts:
                self._wear_out(session, row, now)
                return None
            transitions.advance(row, WorkitemEvent.CLAIM)
            row.attempts += 1
            row.token += 1
            row.worker, row.lease_expires_at, row.not_before = worker, now + self.lease, None
            row.started_at = row.started_at or now
            transitions.note(session, row, EventKind.CLAIMED, now, attempt=row.attempts)
            return Claim(workitem=load(session, row), worker=worker, attempt=row.attempts, token=row.token)

    def _is_free(self, session: Session, row: WorkitemRow, now: datetime) -> bool:
        if ProcedureStepState(row.state) in FINAL_STATES:
            return False
        if row.lease_expires_at is not None and row.lease_expires_at > now:
            return False
        if row.not_before is not None and row.not_before > now:
            return False
        return not transitions.is_blocked(session, row.uid)

    def _wear_out(self, session: Session, row: WorkitemRow, now: datetime) -> None:
        last = f"{row.reason_code}: {row.reason_detail}" if row.reason_code else "its worker ended without a word"
        detail = f"{row.attempts} attempts; the last one: {last}"
        transitions.cancel(session, row, AttemptsExhausted.code, detail, now)

    @retried
    def heartbeat(self, claim: Claim) -> None:
        """The attempt is alive: renew its lease. Raises LeaseLost."""
        with self._ledger.write() as session:
            renewed = session.scalars(
                update(WorkitemRow)
                .where(WorkitemRow.uid == claim.workitem.uid, WorkitemRow.token == claim.token)
                .where(WorkitemRow.state == ProcedureStepState.IN_PROGRESS.value)
                .values(lease_expires_at=self._clock() + self.lease)
                .returning(WorkitemRow.uid)
                .execution_options(synchronize_session=False)
            ).all()
        if not renewed:
            raise LeaseLost(where=claim.workitem.uid)

    @retried
    def complete(self, claim: Claim, completion: Completion) -> None:
        """Close the workitem with its findings and results, and put the results into the outbox: all or nothing.

        Results of earlier workitems for the same package and series are superseded; what waited for a gate that
        stopped its series is canceled. The files must be on disk before. Raises LeaseLost for a ghost.
        """
        now = self._clock()
        with self._ledger.write() as session:
            row = self._held(session, claim)
            transitions.advance(row, WorkitemEvent.COMPLETE)
            row.findings = [findings_json.to_json(finding) for finding in completion.findings]
            row.seconds = [list(pair) for pair in completion.seconds]
            row.stopped, row.reason_code, row.reason_detail = completion.stopped, None, None
            row.finished_at, row.lease_expires_at = now, None
            transitions.note(
                session, row, EventKind.COMPLETED, now, completion.stopped, results=len(completion.results)
            )
            _supersede(session, row, now)
            keep_results(session, row, completion.results, now)
            if completion.stopped is not None:
                transitions.cancel_dependents(session, row, completion.stopped, now)

    @retried
    def cancel(self, claim: Claim, code: str, detail: str = "") -> None:
        """Close the workitem for good, with the reason. Raises LeaseLost for a ghost."""
        with self._ledger.write() as session:
            transitions.cancel(session, self._held(session, claim), code, detail, self._clock())

    @retried
    def release(
        self, claim: Claim, code: str, detail: str = "", *, again_in: timedelta = timedelta(0), counted: bool = True
    ) -> None:
        """Hand the workitem back for a later attempt; `counted` is False when the attempt was ended through no fault
        of its own (an orderly stop). Raises LeaseLost for a ghost.
        """
        now = self._clock()
        with self._ledger.write() as session:
            row = self._held(session, claim)
            transitions.advance(row, WorkitemEvent.RELEASE)
            row.token += 1
            row.attempts -= 0 if counted else 1
            row.reason_code, row.reason_detail = code, detail
            row.worker, row.lease_expires_at, row.enqueued_at = None, None, None
            row.not_before = now + again_in
            transitions.note(session, row, EventKind.RELEASED, now, code=code, attempt=claim.attempt)

    def _held(self, session: Session, claim: Claim) -> WorkitemRow:
        row = transitions.locked(session, claim.workitem.uid)
        if row.token != claim.token or row.state != ProcedureStepState.IN_PROGRESS:
            raise LeaseLost(where=claim.workitem.uid)
        return row


def _supersede(session: Session, row: WorkitemRow, now: datetime) -> None:
    query = select(ResultRow).join(WorkitemRow, WorkitemRow.uid == ResultRow.workitem_uid).where(replaced_by(row))
    replaced = list(session.scalars(query))
    for result in replaced:
        result.superseded_by = row.uid
    if replaced:
        deliveries.withdraw(session, [result.sop_instance_uid for result in replaced])
        transitions.note(session, row, EventKind.SUPERSEDED, now, results=len(replaced))


def keep_results(session: Session, row: WorkitemRow, outgoing: Sequence[OutgoingResult], now: datetime) -> None:
    """Rows for new results of a workitem, and their deliveries, within the caller's transaction."""
    for item in outgoing:
        session.add(
            ResultRow(
                sop_instance_uid=item.result.sop_instance_uid,
                workitem_uid=row.uid,
                study_instance_uid=row.study_instance_uid,
                series_instance_uid=item.result.series_instance_uid,
                kind=item.result.kind.value,
                sop_class_uid=item.result.sop_class_uid,
                transfer_syntax_uid=item.result.transfer_syntax_uid,
                description=item.result.description,
                text=item.result.text,
                path=item.file.path,
                sha256=item.file.sha256,
                size=item.file.size,
                created_at=now,
            )
        )
        session.flush()
        places = (deliveries.ORTHANC, *item.destinations) if item.for_node else item.destinations
        deliveries.add_deliveries(session, item.result.sop_instance_uid, places, row.urgency, now)
