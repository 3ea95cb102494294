"""A person has a model run on another series than the one that was chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from appliance.domain.errors import NotApplicable, UsageError
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.domain.model_package import ModelPackage, Role
from appliance.domain.study import Series, Study
from appliance.selection.criteria import failing
from appliance.services.planner import Planner
from appliance.store.series_choices import SeriesChoices
from appliance.store.workitems import Workitems


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOn:
    """Run `model` on the series whose UID ends in `series`.

    even_if_not_applicable: for demonstrations, also where the series does not meet the criteria of the model; the
    results then say so and stay in the node.
    """

    study: StudyInstanceUID
    model: str
    series: str
    author: str
    reason: str
    even_if_not_applicable: bool = False


class SeriesChooser:
    """Keeps the choice, and plans the study anew by it."""

    def __init__(
        self,
        *,
        packages: Callable[[], Sequence[ModelPackage]],
        study: Callable[[StudyInstanceUID], Study | None],
        choices: SeriesChoices,
        workitems: Workitems,
        planner: Planner,
    ) -> None:
        self._packages = packages
        self._study = study
        self._choices = choices
        self._workitems = workitems
        self._planner = planner

    def run_on(self, request: RunOn) -> tuple[WorkitemUID, ...]:
        """The workitems that this scheduled: the analysis, its gates, and a report that knows of it.

        Raises UnknownStudy, UsageError, NotApplicable.
        """
        if not request.reason.strip():
            raise UsageError("a reason is needed: it stands in the timeline", where="--reason")
        package = self._package(request.model)
        series = self._series(request.study, request.series)
        unmet = failing(package.selection.required, series)
        if unmet and not request.even_if_not_applicable:
            raise NotApplicable("; ".join(unmet), where=series.series_instance_uid)
        known = {status.workitem.uid for status in self._workitems.of_study(request.study)}
        self._choices.add(
            request.study,
            series.series_instance_uid,
            package.name,
            unmet=unmet,
            author=request.author,
            reason=request.reason,
        )
        self._planner.plan(request.study)
        now = (status.workitem.uid for status in self._workitems.of_study(request.study))
        return tuple(uid for uid in now if uid not in known)

    def _package(self, name: str) -> ModelPackage:
        for package in self._packages():
            if name in (package.name, package.identity):
                if package.role is Role.GATE_STOP:
                    raise UsageError("a gate follows the analyses; choose a series for one of those", where=name)
                return package
        raise UsageError("no active model has this name; see `appliance models list`", where=name)

    def _series(self, uid: StudyInstanceUID, end: str) -> Series:
        study = self._study(uid)
        members = study.series if study else ()
        found = [series for series in members if end and series.series_instance_uid.endswith(end)]
        exact = [series for series in found if series.series_instance_uid == end]
        if len(exact or found) != 1:
            what = "more than one series has" if found else "no series with images has"
            raise UsageError(f"{what} a UID that ends so", where=end)
        return (exact or found)[0]
