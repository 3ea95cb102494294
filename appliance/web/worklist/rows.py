"""Lines of the worklist as a page shows them, rendered once for all pages that show them alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from appliance.domain.access import Permission
from appliance.domain.finding import Outcome
from appliance.domain.workitem import Priority, ProcedureStepState
from appliance.domain.worklist import AiStatus, Entry, Identity
from appliance.web.i18n import translatable
from appliance.web.security.visitor import Visitor
from appliance.web.shell import Shell
from appliance.web.worklist.asking import key_of

STATUS_LABELS: Mapping[AiStatus, str] = {
    AiStatus.PENDING: translatable("Waiting"),
    AiStatus.RUNNING: translatable("Running"),
    AiStatus.SUPERSEDED: translatable("Outdated, being redone"),
    AiStatus.POSITIVE: translatable("Finding"),
    AiStatus.NEGATIVE: translatable("Nothing found"),
    AiStatus.DONE: translatable("Done, no verdict"),
    AiStatus.NOT_APPLICABLE: translatable("Not applicable"),
    AiStatus.FAILED: translatable("Failed"),
}
PRIORITY_LABELS: Mapping[Priority, str] = {
    Priority.HIGH: translatable("Urgent"),
    Priority.MEDIUM: translatable("Routine"),
    Priority.LOW: translatable("Low"),
}
IDENTITY_WARNINGS: Mapping[Identity, str] = {
    Identity.CONTRADICTORY: translatable("The series disagree on who this is"),
    Identity.REMOVED: translatable("Identity removed"),
    Identity.MISSING: translatable("No name in the images"),
}
SEX_LABELS = {"M": translatable("male"), "F": translatable("female"), "O": translatable("other sex")}
AGE_UNITS = {"Y": "year", "M": "month", "W": "week", "D": "day"}


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """All that makes one page show a line otherwise than another. reader: the account, to know its own claims."""

    language: str
    reader: str
    sees_patients: bool
    may_claim: bool
    may_view: bool


def viewpoint_of(visitor: Visitor, language: str) -> Viewpoint:
    """That of a visitor."""
    return Viewpoint(
        language=language,
        reader=visitor.user.name,
        sees_patients=visitor.may(Permission.PATIENTS_READ),
        may_claim=visitor.may(Permission.WORKLIST_CLAIM),
        may_view=visitor.may(Permission.DICOM_READ),
    )


class Rows:
    """Renders lines, and remembers the last ones: the page of everybody shows a change at the same moment."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._render = lru_cache(maxsize=2000)(self._rendered)

    def html(self, entry: Entry, viewpoint: Viewpoint) -> str:
        """The line as a row of the table."""
        is_mine = entry.reading.performer == viewpoint.reader
        reader = viewpoint.reader if is_mine else ""
        return self._render(
            _Revision(entry.uid, entry.revision, entry),
            Viewpoint(viewpoint.language, reader, viewpoint.sees_patients, viewpoint.may_claim, viewpoint.may_view),
        )

    def _rendered(self, line: "_Revision", viewpoint: Viewpoint) -> str:
        entry = line.entry
        return self._shell.fragment(
            viewpoint.language,
            "worklist/row.html",
            entry=entry,
            view=viewpoint,
            key=key_of(entry.place),
            name=_name(entry.study.patient.name),
            lines=[(line.outcome, line.text.get(viewpoint.language, line.text["en"])) for line in entry.progress.lines],
            is_claimed=entry.reading.state is ProcedureStepState.IN_PROGRESS,
            is_read=entry.reading.state is ProcedureStepState.COMPLETED,
            is_mine=bool(viewpoint.reader),
            AiStatus=AiStatus,
            Priority=Priority,
            Outcome=Outcome,
            status_labels=STATUS_LABELS,
            priority_labels=PRIORITY_LABELS,
            identity_warnings=IDENTITY_WARNINGS,
            sex_labels=SEX_LABELS,
            age=_age(entry.study.patient.age),
        )


class _Revision:
    """A line, equal to itself as long as it has not changed."""

    __slots__ = ("entry", "key")

    def __init__(self, uid: str, revision: int, entry: Entry) -> None:
        self.key = uid, revision
        self.entry = entry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Revision) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _name(person: str) -> str:
    """A Person Name as people write it: the first group that says something, family name first (PS3.5 6.2.1)."""
    group = next((part for part in person.split("=") if part.strip("^ ")), "")
    family, *others = [part.strip() for part in group.split("^")]
    given = " ".join(part for part in others[:2] if part)
    return ", ".join(part for part in (family, given) if part)


def _age(age: str) -> tuple[int, str] | None:
    """Number and unit of an Age String."""
    return (int(age[:3]), AGE_UNITS[age[3]]) if age else None
