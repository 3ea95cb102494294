"""The whole data flow on one page: study -> selection -> preprocessing -> inference -> findings -> results.

Pure but for the two ports it is handed (PixelSource, Runtime): no queue, no database, no network, no settings here.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from appliance.domain.finding import Finding
from appliance.domain.identifiers import SeriesInstanceUID, WorkitemUID
from appliance.domain.image import Array, GridImage, Prepared, SeriesImages, Source
from appliance.domain.model_package import ModelPackage, Role
from appliance.domain.ports import PixelSource, Runtime
from appliance.domain.selection import Considered, Rule, Selection, SeriesChoice
from appliance.domain.study import Series, Study
from appliance.domain.workitem import REPORT_PACKAGE, Analysis, Priority, Workitem, report_uid, workitem_uid
from appliance.findings import FAMILIES, stop_code
from appliance.findings.applicability import criteria_not_met
from appliance.preprocessing import focus, prepare
from appliance.selection.rules import Request, matching, request_for
from appliance.selection.selector import choose, consider

CHOSEN_BY_HAND = "Chosen by hand"
UNCLAIMED = "No analysis is planned on this series"
"""Why a gate that fits a series does not run on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a study needs: the workitems, and for every package that was asked for the series it chose or refused.

    rules_revision: the revision of the rules that it was planned by; 0 where there is none.
    """

    workitems: tuple[Workitem, ...]
    selections: tuple[Selection, ...]
    rules_revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOrder:
    """Whether and how the report of a study is to be written."""

    version: str
    language: str = "en"
    enabled: bool = True


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Analysed:
    """An analysis, and the images it rests on: what the results are built from."""

    analysis: Analysis
    images: SeriesImages


def plan(
    study: Study,
    packages: Sequence[ModelPackage],
    rules: Sequence[Rule],
    report: ReportOrder,
    now: datetime,
    choices: Mapping[str, SeriesChoice] = MappingProxyType({}),
) -> Plan:
    """Match every package with the study; reads headers only.

    Gates that can stop run on the series that some analysis chose, and every analysis of the study waits for them;
    the report waits for everything. A study with HIGH (STAT) work never waits for hours, none of it, since its report
    waits for all of it; a gate keeps no analysis waiting that may begin at once. choices: series that a person chose
    for a package (by name), whether a rule asks for it or not.
    """
    matched = matching(study, rules)
    requests = [(p, _chosen_request(choices.get(p.name), matched, request_for(p, matched))) for p in packages]
    asked = [(package, request) for package, request in requests if request]
    analyses = [_select(study, p, r, choice=choices.get(p.name)) for p, r in asked if p.role is not Role.GATE_STOP]
    wanted = {uid for wish in analyses for uid in wish.selection.chosen}
    analyses = _at_any_hour(analyses) if any(w.request.priority is Priority.HIGH for w in analyses) else analyses
    gates = [_select(study, p, r, among=wanted) for p, r in asked if p.role is Role.GATE_STOP]
    gates = gates if all(w.request.run_between for w in analyses if w.selection.chosen) else _at_any_hour(gates)
    gate_items = [item for wish in gates for item in _workitems(study, wish, (), now)]
    waits_for = tuple(item.uid for item in gate_items)
    items = gate_items + [item for wish in analyses for item in _workitems(study, wish, waits_for, now)]
    report_items = (_report_workitem(study, items, report, now),) if items and report.enabled else ()
    selections = tuple(wish.selection for wish in [*gates, *analyses])
    return Plan(workitems=(*items, *report_items), selections=selections)


def analyse(
    workitem: Workitem, series: Series, package: ModelPackage, pixels: PixelSource, runtime: Runtime
) -> Analysed:
    """Run one model package on one series: what it found, ready for the results.

    Raises InputRefused, ModelPackageError or TransientError.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "read"):
        images = pixels.read(series, package.input_kind)
    family = FAMILIES[package.family]
    findings: list[Finding] = []
    for index, source in enumerate(images.sources):
        outputs, prepared = _run_stages(source, package, runtime, seconds)
        with _timed(seconds, "findings"):
            findings.extend(family.interpret(outputs, prepared, source, package, source_index=index))
    if workitem.unmet:
        findings.append(criteria_not_met(workitem.unmet))
    stopped = stop_code(findings) if package.role is Role.GATE_STOP else None
    analysis = Analysis(workitem=workitem, findings=tuple(findings), stopped=stopped, seconds=tuple(seconds.items()))
    return Analysed(analysis=analysis, images=images)


def _run_stages(
    source: Source, package: ModelPackage, runtime: Runtime, seconds: dict[str, float]
) -> tuple[Mapping[str, Array], Prepared]:
    """The cascade: each stage sees the source through the focus that the stage before it found."""
    region: GridImage | None = None
    notes: dict[str, float] = {}
    for stage in package.stages:
        with _timed(seconds, "preprocessing"):
            prepared = prepare(source, stage.steps, focus=region, notes=notes)
        with _timed(seconds, "inference"):
            outputs = runtime.run(package, stage, prepared)
        notes.update(prepared.notes)
        if stage.focus:
            region = focus(source, prepared, outputs, stage.focus)
    return outputs, prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A package that rules asked for, and the series it chose."""

    package: ModelPackage
    request: Request
    selection: Selection
    choice: SeriesChoice | None = None


def _chosen_request(choice: SeriesChoice | None, matched: Sequence[Rule], request: Request | None) -> Request | None:
    """What is asked of a package for which a person chose the series: now, and nothing leaves the node that the model
    was not made for.
    """
    if choice is None:
        return request
    places = tuple(dict.fromkeys(name for rule in matched for name in rule.destinations))
    asked = request or Request(rules=(), destinations=places, priority=Priority.MEDIUM, language=None)
    return replace(asked, run_between=None, destinations=() if choice.unmet else asked.destinations)


def _select(
    study: Study,
    package: ModelPackage,
    request: Request,
    among: set[SeriesInstanceUID] | None = None,
    choice: SeriesChoice | None = None,
) -> _Wish:
    considered = tuple(_narrowed(item, among) for item in consider(study, package.selection))
    chosen = tuple(item.series_instance_uid for item in choose(considered, package.selection))
    if choice is not None and _is_possible(choice, considered):
        considered = tuple(_by_hand(item, choice) for item in considered)
        others = chosen if package.selection.every_series else ()
        chosen = tuple(dict.fromkeys((*others, choice.series_instance_uid)))
    else:
        choice = None
    selection = Selection(package=package.identity, chosen=chosen, considered=considered, rules=request.rules)
    return _Wish(package=package, request=request, selection=selection, choice=choice)


def _is_possible(choice: SeriesChoice, considered: Sequence[Considered]) -> bool:
    """Whether the series is still there, and still such as it was chosen for."""
    chosen = [item for item in considered if item.series_instance_uid == choice.series_instance_uid]
    return any(item.fits or choice.unmet for item in chosen)


def _by_hand(item: Considered, choice: SeriesChoice) -> Considered:
    if item.series_instance_uid != choice.series_instance_uid:
        return item
    return replace(item, reasons=(CHOSEN_BY_HAND, *item.reasons))


def _narrowed(item: Considered, among: set[SeriesInstanceUID] | None) -> Considered:
    if among is None or not item.fits or item.series_instance_uid in among:
        return item
    return replace(item, fits=False, score=0.0, reasons=(UNCLAIMED,))


def _at_any_hour(wishes: list[_Wish]) -> list[_Wish]:
    return [replace(wish, request=replace(wish.request, run_between=None)) for wish in wishes]


def _workitems(study: Study, wish: _Wish, waits_for: tuple[WorkitemUID, ...], now: datetime) -> Iterator[Workitem]:
    package, request = wish.package, wish.request
    for uid in wish.selection.chosen:
        instances = study.series_by_uid(uid).sop_instance_uids
        choice = wish.choice if wish.choice and wish.choice.series_instance_uid == uid else None
        revision = choice.revision if choice else 0
        yield Workitem(
            uid=workitem_uid(study.study_instance_uid, uid, package.name, package.version, instances, revision),
            study_instance_uid=study.study_instance_uid,
            series_instance_uid=uid,
            package=package.name,
            version=package.version,
            sop_instance_uids=instances,
            created_at=now,
            priority=request.priority,
            waits_for=waits_for,
            destinations=request.destinations,
            language=request.language or "",
            run_between=request.run_between,
            revision=revision,
            instead=not package.selection.every_series,
            unmet=choice.unmet if choice else (),
        )


def _report_workitem(study: Study, items: Sequence[Workitem], report: ReportOrder, now: datetime) -> Workitem:
    waits_for = tuple(sorted(item.uid for item in items))
    language = next((item.language for item in items if item.language), report.language)
    return Workitem(
        uid=report_uid(study.study_instance_uid, report.version, language, waits_for),
        study_instance_uid=study.study_instance_uid,
        series_instance_uid=None,
        package=REPORT_PACKAGE,
        version=report.version,
        sop_instance_uids=tuple(sorted({uid for item in items for uid in item.sop_instance_uids})),
        created_at=now,
        priority=min((item.priority for item in items), key=list(Priority).index),
        waits_for=waits_for,
        destinations=tuple(dict.fromkeys(name for item in items for name in item.destinations)),
        language=language,
    )


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start
