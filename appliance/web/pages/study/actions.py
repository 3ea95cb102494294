"""What can be done from the page of a study. Each is asked once more on the page, and stands in the audit trail."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission
from appliance.domain.audit import AuditEntry, AuditKind
from appliance.domain.errors import ApplianceError, TransientError, UnknownStudy
from appliance.domain.feedback import Verdict
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.services.feedback import LONGEST_NOTE
from appliance.services.series_chooser import RunOn
from appliance.services.study_actions import LONGEST_REASON
from appliance.web.node import Node
from appliance.web.pages.study.address import UID_PATTERN, Uid
from appliance.web.pages.study.show import study_response
from appliance.web.security.guard import requires
from appliance.web.security.visitor import Visitor

router = APIRouter()

_Uid = Annotated[str, Form(pattern=UID_PATTERN)]
_MaybeUid = Annotated[str, Form(pattern=r"^[0-9.]{0,64}$")]
_Name = Annotated[str, Form(max_length=128, pattern=r"^[^\x00]*$")]
_Reason = Annotated[str, Form(max_length=LONGEST_REASON, pattern=r"^[^\x00]*$")]
_Note = Annotated[str, Form(max_length=LONGEST_NOTE, pattern=r"^[^\x00]*$")]


@router.post("/{study}/feedback")
def answer(
    request: Request,
    node: Node,
    visitor: Annotated[Visitor, requires(Permission.FEEDBACK_GIVE)],
    study: Uid,
    workitem: _Uid,
    verdict: Annotated[Verdict, Form()],
    tracking: _MaybeUid = "",
    note: _Note = "",
) -> Response:
    """Answer a finding, or say that something was missed."""
    about: dict[str, str | int] = {"verdict": str(verdict), "finding": tracking}
    entry = _entry(AuditKind.FEEDBACK_GIVEN, visitor, study, workitem, about)

    def give() -> None:
        node.feedback_desk.answer(
            StudyInstanceUID(study),
            WorkitemUID(workitem),
            tracking,
            verdict,
            reader=visitor.actor.name,
            reader_name=visitor.user.display_name or visitor.user.name,
            note=note,
        )

    return _done(request, node, visitor, study, entry, give, "answered")


@router.post("/{study}/run")
def run_again(
    request: Request,
    node: Node,
    visitor: Annotated[Visitor, requires(Permission.STUDIES_RUN)],
    study: Uid,
    workitem: _Uid,
) -> Response:
    """Run a model again on the same series."""
    entry = _entry(AuditKind.STUDY_RUN, visitor, study, workitem)
    uid, item = StudyInstanceUID(study), WorkitemUID(workitem)
    return _done(request, node, visitor, study, entry, lambda: node.study_actions.run_again(uid, item), "again")


@router.post("/{study}/run-on")
def run_on(
    request: Request,
    node: Node,
    visitor: Annotated[Visitor, requires(Permission.STUDIES_RUN)],
    study: Uid,
    model: _Name,
    series: _Uid,
    reason: _Reason,
) -> Response:
    """Run a model on another series than the one that was chosen."""
    entry = _entry(AuditKind.STUDY_RUN, visitor, study, model, {"series": series})
    wish = RunOn(study=StudyInstanceUID(study), model=model, series=series, author=visitor.actor.name, reason=reason)
    return _done(request, node, visitor, study, entry, lambda: node.run_on(wish), "again")


@router.post("/{study}/withdraw")
def withdraw(
    request: Request,
    node: Node,
    visitor: Annotated[Visitor, requires(Permission.RESULTS_WITHDRAW)],
    study: Uid,
    workitem: _Uid,
    reason: _Reason,
) -> Response:
    """Withdraw the results of a model, and the report that rests on them."""
    entry = _entry(AuditKind.RESULT_WITHDRAWN, visitor, study, workitem)
    uid, item, author = StudyInstanceUID(study), WorkitemUID(workitem), visitor.actor.name

    def do() -> None:
        node.study_actions.withdraw(uid, item, author=author, reason=reason)

    return _done(request, node, visitor, study, entry, do, "withdrawn")


@router.post("/{study}/send")
def send(
    request: Request,
    node: Node,
    visitor: Annotated[Visitor, requires(Permission.RESULTS_SEND)],
    study: Uid,
    destination: _Name,
) -> Response:
    """Send the results that stand to a destination."""
    entry = _entry(AuditKind.RESULT_SENT, visitor, study, destination)
    uid = StudyInstanceUID(study)
    return _done(request, node, visitor, study, entry, lambda: node.study_actions.send(uid, destination), "sent")


def _entry(
    kind: AuditKind, visitor: Visitor, study: str, about: str, detail: dict[str, str | int] | None = None
) -> AuditEntry:
    return AuditEntry(kind=kind, actor=visitor.actor, study_instance_uid=study, about=about, detail=detail or {})


def _done(
    request: Request,
    node: Appliance,
    visitor: Visitor,
    study: str,
    entry: AuditEntry,
    do: Callable[[], object],
    done: str,
) -> Response:
    """Record it, do it, and go back to the page; what does not work is said on the page."""
    uid = StudyInstanceUID(study)
    node.studies.last_event(uid)
    node.audit.record(entry)
    try:
        do()
    except (UnknownStudy, TransientError):
        raise
    except ApplianceError as error:
        return study_response(request, node, visitor, uid, error=error)
    return RedirectResponse(f"/studies/{study}?done={done}", 303)
