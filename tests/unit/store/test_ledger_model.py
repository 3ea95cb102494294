"""The ledger against a model of it: random schedules, claims, ghosts, expiries, releases, cancels and repeats.

Whatever the order: an attempt counts only while it holds the newest token, one set of results stands for a package and
series, every workitem ends or can run at some time, and the timeline has no gap.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.errors import AttemptsExhausted, LeaseLost, LedgerError
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID, WorkitemUID
from appliance.domain.workitem import FINAL_STATES, ProcedureStepState, Workitem, workitem_uid
from appliance.store.claims import Claim, Claims, Completion
from appliance.store.engine import Ledger
from appliance.store.events import Events
from appliance.store.instances import Instances
from appliance.store.results import OutgoingResult, Results, StoredFile
from appliance.store.transitions import SUPERSEDED
from appliance.store.workitems import Workitems
from tests.unit.store.conftest import NOON, Clock, arrived

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 3
PACKAGES = ("gate", "liver", "lungs")
SCHEDULED, IN_PROGRESS = ProcedureStepState.SCHEDULED, ProcedureStepState.IN_PROGRESS
COMPLETED, CANCELED = ProcedureStepState.COMPLETED, ProcedureStepState.CANCELED

_studies = count(1)


@dataclass
class Item:
    """What the model knows of a workitem: who holds it, until when, and which others must end before it."""

    package: str
    waits_for: tuple[WorkitemUID, ...]
    state: ProcedureStepState = SCHEDULED
    attempts: int = 0
    holder: int | None = None
    lease_ends: float = 0.0
    not_before: float = 0.0
    results: list[str] = field(default_factory=list)
    replaced: bool = False


class LedgerMachine(RuleBasedStateMachine):
    """One study; time passes only by a rule."""

    uids = Bundle("uids")
    claims_made = Bundle("claims_made")

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.study = StudyInstanceUID(f"1.2.3.{next(_studies)}")
        self.series = SeriesInstanceUID(f"{self.study}.1")
        self.clock = Clock()
        self.ledger = ledger
        Instances(ledger, self.clock).add([arrived(f"{self.series}.1", study=self.study, series=self.series)])
        self.workitems = Workitems(ledger, self.clock)
        self.claims = Claims(ledger, self.clock, lease=LEASE, max_attempts=MOST_ATTEMPTS)
        self.items: dict[WorkitemUID, Item] = {}
        self.contents = 0
        self.results = 0

    @property
    def now(self) -> float:
        return (self.clock.now - NOON).total_seconds()

    # scheduling

    @precondition(lambda self: len(self.items) < 6)
    @rule(target=uids, package=st.sampled_from(PACKAGES))
    def schedule(self, package: str) -> WorkitemUID:
        self.contents += 1
        instances = (SOPInstanceUID(f"{self.series}.{self.contents}"),)
        gates = [uid for uid, item in self.items.items() if item.package == "gate" and not item.replaced]
        waits_for = tuple(gates[-1:]) if package != "gate" else ()
        item = Workitem(
            uid=workitem_uid(self.study, self.series, package, "1", instances),
            study_instance_uid=self.study,
            series_instance_uid=self.series,
            package=package,
            version="1",
            sop_instance_uids=instances,
            created_at=self.clock(),
            waits_for=waits_for,
        )
        assert self.workitems.schedule([item]) == (item.uid,)
        assert self.workitems.schedule([item]) == ()
        self._replace(package)
        self.items[item.uid] = Item(package=package, waits_for=waits_for)
        return item.uid

    @rule(target=uids, uid=uids)
    def repeat(self, uid: WorkitemUID) -> WorkitemUID:
        (new,) = self.workitems.repeat(uid)
        old = self.items[uid]
        self._replace(old.package)
        self.items[new] = Item(package=old.package, waits_for=old.waits_for)
        return new

    def _replace(self, package: str) -> None:
        for item in self.items.values():
            if item.package == package:
                item.replaced = True
                if item.state not in FINAL_STATES:
                    item.state, item.holder = CANCELED, None

    # attempts

    @rule(target=claims_made, uid=uids)
    def attempt(self, uid: WorkitemUID) -> Any:
        return _claims(self.claim(uid))

    def claim(self, uid: WorkitemUID) -> Claim | None:
        item = self.items[uid]
        free = self._is_free(item)
        claim = self.claims.claim(uid, "worker")
        assert (claim is not None) == (free and item.attempts < MOST_ATTEMPTS)
        if claim is not None:
            item.state, item.holder, item.attempts = IN_PROGRESS, claim.token, item.attempts + 1
            item.lease_ends, item.not_before = self.now + LEASE.total_seconds(), 0.0
            assert claim.attempt == item.attempts
        elif free:
            item.state, item.holder = CANCELED, None
            assert self.workitems.get(uid).reason_code == AttemptsExhausted.code
        return claim

    @rule(target=claims_made, uid=uids, deed=st.sampled_from(["heartbeat", "complete", "release", "refuse"]))
    def ghost(self, uid: WorkitemUID, deed: str) -> Any:
        """Whoever holds it sleeps for too long, another takes over, and the first wakes up."""
        first = self.claim(uid)
        self.pass_time(61)
        second = self.claim(uid)
        if first is None:
            return _claims(second)
        more: dict[str, tuple[Any, ...]] = {"complete": (False,), "release": (True, 0)}
        getattr(self, deed)(first, *more.get(deed, ()))
        return _claims(first, second)

    def _is_free(self, item: Item) -> bool:
        waits = any(self.items[uid].state not in FINAL_STATES for uid in item.waits_for)
        held = item.state is IN_PROGRESS and item.lease_ends > self.now
        return item.state not in FINAL_STATES and not waits and not held and item.not_before <= self.now

    def _holds(self, claim: Claim) -> bool:
        item = self.items[claim.workitem.uid]
        return item.state is IN_PROGRESS and item.holder == claim.token

    @rule(claim=claims_made)
    def heartbeat(self, claim: Claim) -> None:
        if not self._holds(claim):
            with pytest.raises(LeaseLost):
                self.claims.heartbeat(claim)
            return
        self.claims.heartbeat(claim)
        self.items[claim.workitem.uid].lease_ends = self.now + LEASE.total_seconds()

    @rule(claim=claims_made, stops=st.booleans())
    def complete(self, claim: Claim, stops: bool) -> None:
        self.results += 1
        uid = SOPInstanceUID(f"{self.study}.9.{self.results}")
        stopped = "input-modality-contradicted" if stops and claim.workitem.package == "gate" else None
        completion = Completion(findings=(), results=(self._outgoing(claim, uid),), stopped=stopped)
        if not self._holds(claim):
            with pytest.raises(LeaseLost):
                self.claims.complete(claim, completion)
            return
        self.claims.complete(claim, completion)
        item = self.items[claim.workitem.uid]
        item.state, item.holder = COMPLETED, None
        item.results.append(uid)
        if stopped:
            self._stop_those_that_wait(claim.workitem.uid)

    def _stop_those_that_wait(self, gate: WorkitemUID) -> None:
        for item in self.items.values():
            if gate in item.waits_for and item.state is SCHEDULED:
                item.state = CANCELED

    def _outgoing(self, claim: Claim, uid: SOPInstanceUID) -> OutgoingResult:
        result = DicomResult(
            kind=ResultKind.SEG,
            workitem_uid=claim.workitem.uid,
            study_instance_uid=self.study,
            series_instance_uid=SeriesInstanceUID(f"{self.study}.8"),
            sop_class_uid="1.2.840.10008.5.1.4.1.1.66.4",
            sop_instance_uid=uid,
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            description="",
            content=b"",
        )
        return OutgoingResult(result=result, file=StoredFile("a.dcm", "aa", 1), destinations=("pacs",))

    @rule(claim=claims_made, counted=st.booleans(), wait=st.sampled_from([0, 30]))
    def release(self, claim: Claim, counted: bool, wait: int) -> None:
        again_in = timedelta(seconds=wait)
        if not self._holds(claim):
            with pytest.raises(LeaseLost):
                self.claims.release(claim, "transient", again_in=again_in, counted=counted)
            return
        self.claims.release(claim, "transient", again_in=again_in, counted=counted)
        item = self.items[claim.workitem.uid]
        item.state, item.holder, item.not_before = SCHEDULED, None, self.now + wait
        item.attempts -= not counted

    @rule(claim=claims_made)
    def refuse(self, claim: Claim) -> None:
        if not self._holds(claim):
            with pytest.raises(LeaseLost):
                self.claims.cancel(claim, "input-refused")
            return
        self.claims.cancel(claim, "input-refused")
        item = self.items[claim.workitem.uid]
        item.state, item.holder = CANCELED, None

    @rule(uid=uids)
    def cancel_by_hand(self, uid: WorkitemUID) -> None:
        item = self.items[uid]
        if item.state in FINAL_STATES:
            with pytest.raises(LedgerError):
                self.workitems.cancel(uid, "canceled-by-user")
            return
        self.workitems.cancel(uid, "canceled-by-user")
        item.state, item.holder = CANCELED, None

    # time and queue

    @rule(seconds=st.sampled_from([1, 29, 31, 61]))
    def pass_time(self, seconds: int) -> None:
        self.clock.pass_by(seconds=seconds)

    @rule()
    @precondition(lambda self: self.items)
    def queue(self) -> None:
        taken = {item.uid for item in self.workitems.take_unqueued(timedelta(seconds=30), self.study)}
        assert taken <= {uid for uid, item in self.items.items() if self._is_free(item)}

    # what always holds

    @invariant()
    def states_agree(self) -> None:
        found = {status.workitem.uid: status for status in self.workitems.of_study(self.study)}
        assert {uid: status.state for uid, status in found.items()} == {u: i.state for u, i in self.items.items()}
        assert {uid: status.attempts for uid, status in found.items()} == {u: i.attempts for u, i in self.items.items()}
        for status in found.values():
            assert status.attempts <= MOST_ATTEMPTS
            if status.state is CANCELED:
                assert status.reason_code
            if status.reason_code == SUPERSEDED:
                assert self.items[status.workitem.uid].replaced

    @invariant()
    def what_is_open_can_run_now_or_later(self) -> None:
        free = {uid for uid, item in self.items.items() if self._is_free(item)}
        assert {item.uid for item in self.workitems.runnable(self.study)} == free

    def teardown(self) -> None:
        self.one_set_of_results_stands()
        self.the_timeline_has_no_gap()

    def one_set_of_results_stands(self) -> None:
        records = Results(self.ledger).of_study(self.study, superseded=True)
        assert sorted(record.sop_instance_uid for record in records) == sorted(
            uid for item in self.items.values() for uid in item.results
        )
        standing = Counter(
            self.items[record.workitem_uid].package for record in records if record.superseded_by is None
        )
        assert all(number == 1 for number in standing.values())
        completed = {item.package for item in self.items.values() if item.state is COMPLETED}
        assert set(standing) == completed

    def the_timeline_has_no_gap(self) -> None:
        numbers = [event.sequence for event in Events(self.ledger).of_study(self.study)]
        assert numbers == list(range(1, len(numbers) + 1))


def _claims(*claims: Claim | None) -> Any:
    """What a bundle takes: those that were granted."""
    return multiple(*[claim for claim in claims if claim is not None])


def test_the_ledger_does_what_its_model_does(ledger: Ledger) -> None:
    run_state_machine_as_test(
        lambda: LedgerMachine(ledger),
        settings=settings(
            max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
