"""From studies that are complete to workitems."""

from collections.abc import Callable
from datetime import timedelta

from appliance.domain.errors import ApplianceError, LedgerUnavailable
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.study import Study
from appliance.logs import get_logger
from appliance.pipeline import Plan
from appliance.services.dispatcher import Dispatcher
from appliance.store.clock import Clock, utc_now
from appliance.store.instances import Instances
from appliance.store.selections import Selections
from appliance.store.studies import Studies
from appliance.store.workitems import Workitems
from appliance.study.arrival import Arrival, QuietTime, WaitUntil, decide, is_input
from appliance.study.headers import study_of

AFTER_A_FAILURE = timedelta(minutes=1)
INTERNAL_ERROR = "internal-error"

_log = get_logger(__name__)


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
        quiet: QuietTime,
        clock: Clock = utc_now,
    ) -> None:
        self._plan = plan
        self._instances = instances
        self._studies = studies
        self._selections = selections
        self._workitems = workitems
        self._dispatcher = dispatcher
        self._quiet = quiet
        self._clock = clock

    def is_due(self, study: StudyInstanceUID) -> bool:
        """Whether the study is complete now; the moment to look again is kept in the ledger. Raises UnknownStudy."""
        arrived = self._instances.of_study(study)
        now = self._clock()
        decision = decide([Arrival(item.instance, item.arrived_at) for item in arrived], now, self._quiet)
        waits = isinstance(decision, WaitUntil)
        self._studies.owe_plan(study, decision.at if isinstance(decision, WaitUntil) else now)
        return not waits

    def plan_if_complete(self, study: StudyInstanceUID) -> None:
        """Plan the study unless more of it is expected."""
        if self.is_due(study):
            self.plan(study)

    def plan_due(self) -> int:
        """Plan every study whose moment has come; how many were looked at."""
        due = self._studies.plans_due()
        for study in due:
            self.plan_if_complete(study)
        return len(due)

    def plan(self, study: StudyInstanceUID) -> None:
        """Plan the study as it is now: keep the reasons, schedule the workitems, queue those that can run.

        A study that cannot be planned stays owed, so that a mended rule or model is tried again.
        """
        try:
            self._plan_now(study)
        except LedgerUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one study must not keep the others from being planned
            code = error.code if isinstance(error, ApplianceError) else INTERNAL_ERROR
            _log.error("planning failed", study=study, code=code, error=type(error).__name__)
            self._studies.plan_failed(study, code, self._clock() + AFTER_A_FAILURE)
            return
        self._dispatcher.workitems(study)

    def _plan_now(self, study: StudyInstanceUID) -> None:
        as_of = self._studies.last_arrival(study)
        arrived = self._instances.of_study(study)
        images = [item.instance for item in arrived if is_input(item.instance)]
        plan = self._plan(study_of(images)) if images else Plan(workitems=(), selections=())
        added = self._workitems.schedule(plan.workitems, as_of=as_of, rules_revision=plan.rules_revision)
        if added is None:
            _log.info("planned with less than there is by now", study=study)
            return
        self._selections.replace(study, plan.selections)
        self._studies.planned(
            study, as_of, instances=len(arrived), workitems=len(added), rules_revision=plan.rules_revision
        )
        _log.info("planned", study=study, instances=len(arrived), workitems=len(added))
