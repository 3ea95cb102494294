"""From studies that are complete to workitems."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from appliance.domain.errors import ApplianceError, LedgerUnavailable, OrthancUnavailable
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.study import Study
from appliance.domain.workitem import revised
from appliance.logs import get_logger
from appliance.pipeline import Plan
from appliance.services.dispatcher import Dispatcher
from appliance.store.arrival_gaps import ArrivalGaps
from appliance.store.clock import Clock, utc_now
from appliance.store.instances import ArrivedInstance, Instances
from appliance.store.selections import Selections
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems
from appliance.study.arrival import Arrival, Decision, Sender, WaitUntil, decide, is_input, observed_gaps
from appliance.study.headers import study_of
from appliance.study.quiet_time import NO_GAPS, Gaps, QuietTime

AFTER_A_FAILURE = timedelta(minutes=1)
AGAIN = timedelta(seconds=0.25)
"""When to look again at a study of which not everything is fetched."""
STABLE = "Orthanc calls the study stable"
INTERNAL_ERROR = "internal-error"

_log = get_logger(__name__)


Outstanding = Callable[[StudyInstanceUID], Collection[str]]
"""What Orthanc holds of a study and we have not dealt with. Raises OrthancUnavailable."""


class Planner:
    """Decides when a study is complete, and what is to be done with it."""

    def __init__(
        self,
        *,
        plan: Callable[[Study], Plan],
        instances: Instances,
        studies: Studies,
        selections: Selections,
        workitems: Workitems,
        dispatcher: Dispatcher,
        gaps: ArrivalGaps,
        quiet: QuietTime,
        outstanding: Outstanding = lambda _: (),
        clock: Clock = utc_now,
    ) -> None:
        self._plan = plan
        self._instances = instances
        self._studies = studies
        self._selections = selections
        self._workitems = workitems
        self._dispatcher = dispatcher
        self._gaps = gaps
        self._quiet = quiet
        self._outstanding = outstanding
        self._clock = clock

    def is_due(self, study: StudyInstanceUID) -> bool:
        """Whether a plan is owed and the study is complete now; else the moment to look again is kept in the ledger."""
        return self._complete_for(study) is not None

    def plan_if_complete(self, study: StudyInstanceUID) -> None:
        """Plan the study, if that is owed, unless more of it is expected."""
        reason = self._complete_for(study)
        if reason is not None:
            self.plan(study, reason)

    def plan_stable(self, study: StudyInstanceUID) -> None:
        """Orthanc has received nothing of the study for its stable age: plan what is owed, complete or not."""
        if self._studies.owes_plan(study):
            self.plan(study, STABLE)

    def plan_due(self) -> int:
        """Plan every study whose moment has come; how many were looked at."""
        due = self._studies.plans_due()
        for study in due:
            self.plan_if_complete(study)
        return len(due)

    def plan(self, study: StudyInstanceUID, because: str = "") -> None:
        """Plan the study as it is now: keep the reasons, schedule the workitems, queue those that can run.

        A study that cannot be planned stays owed, so that a mended rule or model is tried again.
        """
        try:
            self._plan_now(study, because)
        except LedgerUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one study must not keep the others from being planned
            code = error.code if isinstance(error, ApplianceError) else INTERNAL_ERROR
            _log.error("planning failed", study=study, code=code, error=type(error).__name__)
            self._studies.plan_failed(study, code, self._clock() + AFTER_A_FAILURE)
            return
        self._dispatcher.workitems(study)

    def _plan_now(self, study: StudyInstanceUID, because: str) -> None:
        before = self._studies.summary(study)
        arrived = self._instances.of_study(study)
        images = [item.instance for item in arrived if is_input(item.instance)]
        plan = self._plan(study_of(images)) if images else Plan(workitems=(), selections=())
        workitems = revised(plan.workitems, self._workitems.due_revisions(plan.workitems))
        added = self._workitems.schedule(workitems, as_of=before.last_arrival_at, rules_revision=plan.rules_revision)
        if added is None:
            _log.info("planned with less than there is by now", study=study)
            return
        self._selections.replace(study, plan.selections)
        counts = {"instances": len(arrived), "workitems": len(added), "rules_revision": plan.rules_revision}
        self._studies.planned(study, before.last_arrival_at, because=because, **counts)
        self._learn(_arrivals(arrived), before.planned_at)
        _log.info("planned", study=study, because=because, **counts)

    def _complete_for(self, study: StudyInstanceUID) -> str | None:
        """From what it follows that the study is complete; None if it is not, or nothing is owed."""
        if not self._studies.owes_plan(study):
            return None
        decision = self._decide(study)
        if isinstance(decision, WaitUntil):
            self._studies.owe_plan(study, decision.at)
            return None
        return decision.reason

    def _decide(self, study: StudyInstanceUID) -> Decision:
        """By what arrived; and what Orthanc holds must have been fetched, as long as there is patience for it."""
        arrivals = _arrivals(self._instances.of_study(study))
        now = self._clock()
        decision = decide(arrivals, now, self._quiet, self._rhythms({arrival.sender for arrival in arrivals}))
        if isinstance(decision, WaitUntil) or not arrivals:
            return decision
        if now < max(arrival.at for arrival in arrivals) + self._quiet.patience and self._has_more(study):
            return WaitUntil(now + AGAIN, "Orthanc holds more than was fetched")
        return decision

    def _has_more(self, study: StudyInstanceUID) -> bool:
        try:
            return bool(self._outstanding(study))
        except OrthancUnavailable:
            return True

    def _rhythms(self, senders: Collection[Sender]) -> dict[Sender, Gaps]:
        remembered = self._gaps.of((sender.calling_aet, sender.modality) for sender in senders)
        return {Sender(*key): Gaps(counts) for key, counts in remembered.items() if len(counts) == len(NO_GAPS.counts)}

    def _learn(self, arrivals: Collection[Arrival], since: datetime | None) -> None:
        """Remember the gaps that ended since the study was planned last."""
        observed = observed_gaps(arrivals, since)
        rhythms = self._rhythms(observed.keys())
        for sender, gaps in observed.items():
            learned = rhythms.get(sender, NO_GAPS).with_these(gaps)
            self._gaps.remember((sender.calling_aet, sender.modality), learned.counts)


def _arrivals(arrived: Collection[ArrivedInstance]) -> list[Arrival]:
    return [Arrival(item.instance, item.arrived_at, item.origin.calling_aet) for item in arrived]
