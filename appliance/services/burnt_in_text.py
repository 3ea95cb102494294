"""Whether something stands against sending results of a study to destinations that refuse burnt-in text."""

from collections.abc import Callable, Set

from appliance.delivery.sender import Answer, postponed, refused
from appliance.domain.coding import PRESENT
from appliance.domain.errors import BurntInTextRefused
from appliance.domain.finding import Evaluation
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import FINAL_STATES, Analysis, ProcedureStepState
from appliance.findings.codes import BURNT_IN_TEXT
from appliance.store.transitions import SUPERSEDED
from appliance.store.workitems import Workitems


class BurntInText:
    """Asks the ledger what the checks for burnt-in text said.

    checks: names of the model packages that look for it. A study to which none of them applies, such as a CT, is free.
    """

    def __init__(self, workitems: Workitems, checks: Callable[[], Set[str]]) -> None:
        self._workitems = workitems
        self._checks = checks

    def objection(self, study: StudyInstanceUID) -> Answer | None:
        """Why nothing of the study may be sent now; None if nothing stands against it.

        Refused when text was found, and when the check could not be made: what was not looked at is not known to be
        free. Postponed while a check is still under way.
        """
        if any(_found(analysis) for analysis in self._workitems.analyses(study)):
            return refused("text was found in the pixels of the study", BurntInTextRefused)
        names = self._checks()
        checks = [
            status
            for status in self._workitems.of_study(study)
            if status.workitem.package in names and status.reason_code != SUPERSEDED
        ]
        if any(status.state not in FINAL_STATES for status in checks):
            return postponed("waits for the check for burnt-in text", BurntInTextRefused)
        failed = [status.reason_code for status in checks if status.state is ProcedureStepState.CANCELED]
        if failed:
            return refused(f"the check for burnt-in text could not be made ({failed[0]})", BurntInTextRefused)
        return None


def _found(analysis: Analysis) -> bool:
    return any(
        isinstance(finding, Evaluation) and (finding.concept, finding.value) == (BURNT_IN_TEXT, PRESENT)
        for finding in analysis.findings
    )
