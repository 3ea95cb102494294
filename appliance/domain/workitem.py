"""Workitems and their life: the Unified Procedure Step states as a table (PS3.4 Annex CC)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from appliance.domain.finding import Finding
from appliance.domain.hours import Hours
from appliance.domain.identifiers import (
    SeriesInstanceUID,
    SOPInstanceUID,
    StudyInstanceUID,
    WorkitemUID,
    derived_uid,
)


class ProcedureStepState(StrEnum):
    """Procedure Step State (0074,1000)."""

    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"


class WorkitemEvent(StrEnum):
    """What can happen to a workitem."""

    CLAIM = "claim"
    RELEASE = "release"
    COMPLETE = "complete"
    CANCEL = "cancel"


TRANSITIONS: dict[tuple[ProcedureStepState, WorkitemEvent], ProcedureStepState] = {
    (ProcedureStepState.SCHEDULED, WorkitemEvent.CLAIM): ProcedureStepState.IN_PROGRESS,
    (ProcedureStepState.SCHEDULED, WorkitemEvent.CANCEL): ProcedureStepState.CANCELED,
    # a lease that ran out may be claimed by another attempt
    (ProcedureStepState.IN_PROGRESS, WorkitemEvent.CLAIM): ProcedureStepState.IN_PROGRESS,
    (ProcedureStepState.IN_PROGRESS, WorkitemEvent.RELEASE): ProcedureStepState.SCHEDULED,
    (ProcedureStepState.IN_PROGRESS, WorkitemEvent.COMPLETE): ProcedureStepState.COMPLETED,
    (ProcedureStepState.IN_PROGRESS, WorkitemEvent.CANCEL): ProcedureStepState.CANCELED,
}

FINAL_STATES = frozenset({ProcedureStepState.COMPLETED, ProcedureStepState.CANCELED})


class Priority(StrEnum):
    """Scheduled Procedure Step Priority (0074,1200)."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


URGENCY = {Priority.HIGH: 0, Priority.MEDIUM: 1, Priority.LOW: 2}
"""What comes first has the smaller number."""

REPORT_PACKAGE = "compositional-report"
"""Name of the study-level workitem that writes the report from all other workitems of the study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workitem:
    """One model package version on one series of one study; or, for the report, on the study (series is None).

    waits_for: workitems that must be final before this one may be claimed. `revision` > 0 marks a deliberate re-
    analysis, or work that is done anew since other work had taken its place. run_between: the hours in which it may be
    claimed; None for any. instead: this series takes the place of every other that the package had in this study, since
    the package runs on one: a better one arrived, or a person chose it. unmet: the criteria of the package that the
    series does not meet, where somebody had it run all the same.
    """

    uid: WorkitemUID
    study_instance_uid: StudyInstanceUID
    series_instance_uid: SeriesInstanceUID | None
    package: str
    version: str
    sop_instance_uids: tuple[SOPInstanceUID, ...] = field(repr=False)
    created_at: datetime
    priority: Priority = Priority.MEDIUM
    waits_for: tuple[WorkitemUID, ...] = ()
    destinations: tuple[str, ...] = ()
    language: str = ""
    revision: int = 0
    run_between: Hours | None = None
    instead: bool = False
    unmet: tuple[str, ...] = ()


def workitem_uid(
    study: StudyInstanceUID,
    series: SeriesInstanceUID | None,
    package: str,
    version: str,
    sop_instance_uids: tuple[SOPInstanceUID, ...],
    revision: int = 0,
) -> WorkitemUID:
    """The UID of the workitem with this content: late slices change it, a repeated announcement does not."""
    ordered = sorted(sop_instance_uids)
    return WorkitemUID(derived_uid("workitem", study, series or "", package, version, str(revision), *ordered))


def report_uid(study: StudyInstanceUID, version: str, language: str, analyses: Sequence[WorkitemUID]) -> WorkitemUID:
    """The UID of the workitem that writes the report about these workitems."""
    return WorkitemUID(derived_uid("report", study, version, language, *sorted(analyses)))


def revised(workitems: Sequence[Workitem], revisions: Mapping[WorkitemUID, int]) -> tuple[Workitem, ...]:
    """The workitems of a plan under other revisions (by UID), and everything that waits for them waiting for those."""
    renewed = {item.uid: _under(item, revisions[item.uid]) for item in workitems if item.uid in revisions}
    found = []
    for item in workitems:
        waits_for = tuple(renewed[uid].uid if uid in renewed else uid for uid in item.waits_for)
        item = replace(renewed.get(item.uid, item), waits_for=waits_for)
        if item.series_instance_uid is None:
            uid = report_uid(item.study_instance_uid, item.version, item.language, waits_for)
            item = replace(item, uid=uid, waits_for=tuple(sorted(waits_for)))
        found.append(item)
    return tuple(found)


def _under(item: Workitem, revision: int) -> Workitem:
    content = (item.study_instance_uid, item.series_instance_uid, item.package, item.version, item.sop_instance_uids)
    return replace(item, uid=workitem_uid(*content, revision), revision=revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What one workitem found. `stopped` carries the error code when a stop gate refused the series.

    seconds: stage name -> wall time, for the waterfall.
    """

    workitem: Workitem
    findings: tuple[Finding, ...]
    stopped: str | None = None
    seconds: tuple[tuple[str, float], ...] = ()
