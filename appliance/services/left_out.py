"""What a report has to say of the models that found nothing because they did not run."""

from collections import Counter
from collections.abc import Callable

from appliance.domain.errors import ModelPackageError
from appliance.domain.model_package import ModelPackage, Status
from appliance.domain.selection import Selection
from appliance.domain.workitem import ProcedureStepState, Workitem
from appliance.store.selections import Selections
from appliance.store.transitions import SUPERSEDED
from appliance.store.workitems import Workitems

Packages = Callable[[str, str], ModelPackage]
"""The package of a name and version. Raises ModelPackageError if it is not (or no longer) here."""


class LeftOut:
    """Asks the ledger about the workitem of a report."""

    def __init__(self, *, packages: Packages, workitems: Workitems, selections: Selections) -> None:
        self._packages = packages
        self._workitems = workitems
        self._selections = selections

    def refused(self, workitem: Workitem) -> list[tuple[str, str]]:
        """(package, error code) of the analyses that ended without a result."""
        statuses = [self._workitems.get(uid) for uid in workitem.waits_for]
        return [
            (status.workitem.package, status.reason_code)
            for status in statuses
            if status.state is ProcedureStepState.CANCELED and status.reason_code and status.reason_code != SUPERSEDED
        ]

    def not_applicable(self, workitem: Workitem) -> list[tuple[str, str]]:
        """(package, reason) of those that somebody might expect on the study, and that did not apply."""
        selections = self._selections.of_study(workitem.study_instance_uid)
        nearly = [
            item
            for item in selections
            if not item.chosen and not _is_of_another_modality(item) and not self._is_demonstration(item)
        ]
        return [(item.package.split("@")[0], _usual_reason(item)) for item in nearly]

    def _is_demonstration(self, selection: Selection) -> bool:
        """Whether nobody would miss the package: a demonstration says nothing of patients."""
        try:
            return self._packages(*selection.package.split("@")).status is Status.DEMONSTRATION
        except ModelPackageError:
            return False


def _is_of_another_modality(selection: Selection) -> bool:
    """Whether nobody would expect the package on this study: a report need not say that a CT is no MR."""
    return all(any(reason.startswith("Modality is") for reason in item.reasons) for item in selection.considered)


def _usual_reason(selection: Selection) -> str:
    """The reason that most series give for not fitting."""
    reasons = Counter(considered.reasons[0] for considered in selection.considered if considered.reasons)
    return reasons.most_common(1)[0][0] if reasons else ""
