"""What rules would do with a study, why, and how that differs from what other rules do. Nothing is done."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from appliance.domain.hours import Hours
from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID
from appliance.domain.selection import Rule
from appliance.domain.study import Study
from appliance.domain.workitem import Workitem
from appliance.pipeline import Plan
from appliance.selection.rules import Ruling, rulings
from appliance.selection.wording import hours_in_words

PlanBy = Callable[[Study, Sequence[Rule]], Plan]
_TOLD = ("priority", "destinations", "language", "run_between")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One study under candidate rules: which rules hold and why the others do not, the plan, and the differences."""

    study: StudyInstanceUID
    rulings: tuple[Ruling, ...]
    plan: Plan
    differences: tuple[str, ...]


def rehearse(study: Study, candidate: Sequence[Rule], active: Sequence[Rule], plan_by: PlanBy) -> Rehearsal:
    """Hold candidate rules against a study, and compare with the active rules."""
    plan = plan_by(study, candidate)
    return Rehearsal(
        study=study.study_instance_uid,
        rulings=rulings(study, candidate),
        plan=plan,
        differences=tuple(_differences(plan_by(study, active), plan)),
    )


def _differences(before: Plan, after: Plan) -> Iterator[str]:
    old, new = _by_work(before), _by_work(after)
    for key in sorted(old.keys() - new.keys(), key=str):
        yield f"{_named(old[key])} would no longer run"
    for key in sorted(new.keys() - old.keys(), key=str):
        yield f"{_named(new[key])} would run as well"
    for key in sorted(old.keys() & new.keys(), key=str):
        for field in _TOLD:
            was, will = (_plain(getattr(item, field)) for item in (old[key], new[key]))
            if was != will:
                yield f"{_named(new[key])}: {field} {will} instead of {was}"


def _by_work(plan: Plan) -> dict[tuple[str, SeriesInstanceUID | None], Workitem]:
    return {(item.package, item.series_instance_uid): item for item in plan.workitems}


def _named(item: Workitem) -> str:
    return f"{item.package} on …{item.series_instance_uid[-8:]}" if item.series_instance_uid else item.package


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return hours_in_words(value) if isinstance(value, Hours) else str(value or "none")
