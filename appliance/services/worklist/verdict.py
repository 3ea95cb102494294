"""What the analyses of a study say all together: the status of its line, and the findings that come first.

Whether something was found is read from the coded findings as the report reads them, never from a text.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from appliance.domain.errors import AnatomyNotFound, ModalityContradicted, NotApplicable, QualityInsufficient
from appliance.domain.finding import Evaluation, Narrative, Outcome
from appliance.domain.workitem import FINAL_STATES, REPORT_PACKAGE, Analysis, ProcedureStepState
from appliance.domain.worklist import AiStatus, Line, Progress
from appliance.findings import codes
from appliance.findings.languages import LANGUAGES
from appliance.findings.statements import Statement, statements
from appliance.store.transitions import CANCELED_BY_USER, SUPERSEDED
from appliance.store.workitem_rows import WorkitemStatus
from appliance.store.worklist_sources import StudySources

UsualTime = Callable[[str, str], timedelta | None]
"""How long a version of a package usually takes; None where that is not known."""

MOST_LINES = 3
_DOES_NOT_APPLY = frozenset(
    error.code for error in (NotApplicable, AnatomyNotFound, ModalityContradicted, QualityInsufficient)
)
_CHECKS = (codes.MODALITY_CONTRADICTED, codes.IMAGE_QUALITY, codes.BURNT_IN_TEXT)
_ORDER = (Outcome.POSITIVE, Outcome.LIMITED, Outcome.INFORMATIVE, Outcome.NEGATIVE)


def progress_of(sources: StudySources, usual_time: UsualTime) -> Progress:
    """The status and what stands beside it."""
    clinical = [analysis for analysis in sources.analyses if _is_clinical(analysis)]
    lines, is_positive, is_negative = _said(clinical)
    ended = _ended_badly(sources.workitems)
    failed = tuple(code for code in ended if code not in _DOES_NOT_APPLY)
    waiting = [status for status in sources.workitems if status.state not in FINAL_STATES]
    running = [status for status in waiting if status.state is ProcedureStepState.IN_PROGRESS]
    return Progress(
        status=_open_status(sources, waiting, running)
        or _closed_status(clinical, ended, failed, is_positive=is_positive, is_negative=is_negative),
        is_positive=is_positive,
        expected_at=_expected_end(running, usual_time),
        failed=len(failed),
        reasons=tuple(dict.fromkeys([*failed, *ended])),
        lines=tuple(lines[:MOST_LINES]),
        more=max(0, len(lines) - MOST_LINES),
    )


def _open_status(
    sources: StudySources, waiting: Sequence[WorkitemStatus], running: Sequence[WorkitemStatus]
) -> AiStatus | None:
    """The status while there is something to do; None when there is not."""
    if not waiting and sources.planned_at is not None and not sources.owes_plan:
        return None
    if _outdates(sources, waiting):
        return AiStatus.SUPERSEDED
    return AiStatus.RUNNING if running else AiStatus.PENDING


def _outdates(sources: StudySources, waiting: Sequence[WorkitemStatus]) -> bool:
    """Whether what was found already is being found anew, or has images behind it that are no longer all."""
    completed = {s.workitem.uid for s in sources.workitems if s.state is ProcedureStepState.COMPLETED}
    if not waiting:
        return bool(completed)
    return any(status.supersedes in completed for status in waiting)


def _closed_status(
    clinical: Sequence[Analysis],
    ended: Sequence[str],
    failed: Sequence[str],
    *,
    is_positive: bool,
    is_negative: bool,
) -> AiStatus:
    """A failure hides no finding, but keeps anybody from reading "nothing found"."""
    if is_positive:
        return AiStatus.POSITIVE
    if failed:
        return AiStatus.FAILED
    if not clinical:
        return AiStatus.NOT_APPLICABLE
    wrote_freely = any(isinstance(finding, Narrative) for analysis in clinical for finding in analysis.findings)
    return AiStatus.NEGATIVE if is_negative and not ended and not wrote_freely else AiStatus.DONE


def _ended_badly(workitems: Sequence[WorkitemStatus]) -> list[str]:
    """The reasons of what ended without result, by nobody's wish, and was not replaced since."""
    replaced = {status.supersedes for status in workitems}
    canceled = [status for status in workitems if status.state is ProcedureStepState.CANCELED]
    reasons = [status.reason_code for status in canceled if status.workitem.uid not in replaced]
    return [code for code in reasons if code and code not in (SUPERSEDED, CANCELED_BY_USER)]


def _expected_end(running: Sequence[WorkitemStatus], usual_time: UsualTime) -> datetime | None:
    """When the last of those that run should end; None where one of them has nothing to go by."""
    ends = []
    for status in running:
        usual = usual_time(status.workitem.package, status.workitem.version)
        if usual is None or status.started_at is None:
            return None
        ends.append(status.started_at + usual)
    return max(ends, default=None)


def _is_clinical(analysis: Analysis) -> bool:
    """An analysis of the patient: neither the report nor a check of the images, and not what a gate stopped."""
    checks = any(isinstance(f, Evaluation) and f.concept in _CHECKS for f in analysis.findings)
    return analysis.workitem.package != REPORT_PACKAGE and not checks and analysis.stopped is None


def _said(clinical: Sequence[Analysis]) -> tuple[list[Line], bool, bool]:
    """The lines, the most important first; whether something was found; whether something was looked for in vain."""
    by_language = {
        language: [s for analysis in clinical for s in statements(analysis, phrases)]
        for language, phrases in LANGUAGES.items()
    }
    in_english = by_language["en"]
    lines = [
        Line(outcome=concluded.outcome, text=_in_all(by_language, index))
        for index, statement in enumerate(in_english)
        if (concluded := statement.impression) is not None
    ]
    is_positive = any(line.outcome is Outcome.POSITIVE for line in lines)
    is_negative = any(statement.absent for statement in in_english)
    lines.sort(key=lambda line: _ORDER.index(line.outcome))
    if is_negative:
        lines.append(Line(outcome=Outcome.NEGATIVE, text=_absences(by_language)))
    return lines, is_positive, is_negative


def _in_all(by_language: dict[str, list[Statement]], index: int) -> dict[str, str]:
    """The conclusion of the statement at `index`, which is the same one in each language."""
    said = {language: found[index].impression for language, found in by_language.items()}
    return {language: sentence.text for language, sentence in said.items() if sentence is not None}


def _absences(by_language: dict[str, list[Statement]]) -> dict[str, str]:
    return dict(_absent_in(by_language))


def _absent_in(by_language: dict[str, list[Statement]]) -> Iterator[tuple[str, str]]:
    for language, found in by_language.items():
        phrases = LANGUAGES[language]
        names = phrases.fact_separator.join(dict.fromkeys(s.absent for s in found if s.absent))
        yield language, phrases.not_found_list.format(names=names)
