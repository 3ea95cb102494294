"""What rules would do with a study, why, and how that differs from what other rules do. Nothing is done."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from appliance.domain.hours import Hours
from appliance.domain.identifiers import SeriesInstanceUID, StudyInstanceUID
from appliance.domain.selection import Rule, SeriesChoice
from appliance.domain.study import Study
from appliance.domain.workitem import Workitem
from appliance.pipeline import CHOSEN_BY_HAND, Plan
from appliance.selection.rules import Ruling, rulings
from appliance.selection.wording import hours_in_words

Choices = Mapping[str, SeriesChoice]
PlanBy = Callable[[Study, Sequence[Rule], Choices], Plan]
_TOLD = ("priority", "destinations", "language", "run_between")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One study under candidate rules: which rules hold and why the others do not, the plan, and the differences.

    by_hand: what becomes of the series that people chose for packages.
    """

    study: StudyInstanceUID
    rulings: tuple[Ruling, ...]
    plan: Plan
    differences: tuple[str, ...]
    by_hand: tuple[str, ...] = ()


def rehearse(
    study: Study,
    candidate: Sequence[Rule],
    active: Sequence[Rule],
    plan_by: PlanBy,
    choices: Choices = MappingProxyType({}),
) -> Rehearsal:
    """Hold candidate rules against a study, and compare with the active rules. choices: of series, by package."""
    plan = plan_by(study, candidate, choices)
    return Rehearsal(
        study=study.study_instance_uid,
        rulings=rulings(study, candidate),
        plan=plan,
        differences=tuple(_differences(plan_by(study, active, choices), plan)),
        by_hand=tuple(_by_hand(plan, choice) for _, choice in sorted(choices.items())),
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


def _by_hand(plan: Plan, choice: SeriesChoice) -> str:
    named = f"{choice.package} on …{choice.series_instance_uid[-8:]}"
    for selection in plan.selections:
        for one in selection.considered:
            if selection.package.partition("@")[0] == choice.package and CHOSEN_BY_HAND in one.reasons:
                stays = "; its criteria are not met, so that nothing of it leaves the node" if choice.unmet else ""
                return f"{named} was chosen by hand and runs whatever the rules say{stays}"
    return f"{named} was chosen by hand, but the series or the model is no longer there: the rules decide"


def _by_work(plan: Plan) -> dict[tuple[str, SeriesInstanceUID | None], Workitem]:
    return {(item.package, item.series_instance_uid): item for item in plan.workitems}


def _named(item: Workitem) -> str:
    return f"{item.package} on …{item.series_instance_uid[-8:]}" if item.series_instance_uid else item.package


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return hours_in_words(value) if isinstance(value, Hours) else str(value or "none")
