"""The page of a study: what arrived, what was found, what was sent, and how long each took."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission
from appliance.domain.audit import AuditEntry, AuditKind
from appliance.domain.errors import ApplianceError
from appliance.domain.finding import Sentence
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.model_package import ModelPackage
from appliance.domain.workitem import REPORT_PACKAGE
from appliance.findings.refusal_titles import GERMAN
from appliance.services.receipts.receipt_page import StudyPage
from appliance.web.i18n import translations
from appliance.web.node import Node
from appliance.web.pages.study.address import Uid
from appliance.web.pages.study.answers import Answers
from appliance.web.pages.study.words import (
    DELIVERY_WORDS,
    DONE_WORDS,
    OUTCOME_WORDS,
    PHASE_WORDS,
    STATE_WORDS,
    VERDICT_WORDS,
    banner,
)
from appliance.web.security.guard import requires
from appliance.web.security.visitor import Visitor
from appliance.web.shell import shell_of

router = APIRouter()
Reader = Annotated[Visitor, requires(Permission.STUDIES_READ)]


@router.get("/{study}")
def show(request: Request, node: Node, visitor: Reader, study: Uid, done: str = "") -> Response:
    """The page; opening it stands in the audit trail, refreshing it by itself does not."""
    return study_response(request, node, visitor, StudyInstanceUID(study), done=DONE_WORDS.get(done, ""))


def study_response(
    request: Request,
    node: Appliance,
    visitor: Visitor,
    study: StudyInstanceUID,
    error: ApplianceError | None = None,
    done: str = "",
) -> Response:
    """The page, with an error or a confirmation on it. Raises UnknownStudy."""
    page = node.study_page(study)
    if request.headers.get("hx-request") != "true":
        node.audit.record(AuditEntry(kind=AuditKind.STUDY_OPENED, actor=visitor.actor, study_instance_uid=study))
    packages = _packages(node, page)
    language = shell_of(request).language(request, visitor)
    may_see = visitor.may(Permission.PATIENTS_READ)
    return shell_of(request).page(
        request,
        "study/study.html",
        visitor=visitor,
        status=error.http_status if error else 200,
        page=page,
        banner=banner(page.attributes) if may_see else None,
        packages=packages,
        answers=Answers(page.works, node.feedback_book.of_study(study)),
        verdict_words=VERDICT_WORDS,
        places=_places(node) if visitor.may(Permission.RESULTS_SEND) else (),
        targets_of=_Targets(page),
        title_of=lambda reason: GERMAN.get(reason.code, reason.title) if language == "de" else reason.title,
        name_of=_Names(page, packages, translations(language).gettext("Report")),
        may=_may(visitor),
        error=error,
        done=done,
        state_words=STATE_WORDS,
        phase_words=PHASE_WORDS,
        outcome_words=OUTCOME_WORDS,
        delivery_words=DELIVERY_WORDS,
    )


def _packages(node: Appliance, page: StudyPage) -> Mapping[str, ModelPackage]:
    """The packages of the works by workitem; those that are here no longer are left out."""
    found: dict[str, ModelPackage] = {}
    for work in page.works:
        item = work.status.workitem
        if not work.is_report:
            try:
                found[item.uid] = node.package(item.package, item.version)
            except ApplianceError:
                continue
    return found


def _places(node: Appliance) -> tuple[str, ...]:
    return tuple(node.destinations)


def _may(visitor: Visitor) -> Mapping[str, bool]:
    """What the page offers, as templates ask for it."""
    asked: dict[str, Any] = {
        "see_images": Permission.DICOM_READ,
        "answer": Permission.FEEDBACK_GIVE,
        "run": Permission.STUDIES_RUN,
        "withdraw": Permission.RESULTS_WITHDRAW,
        "send": Permission.RESULTS_SEND,
    }
    return {name: visitor.may(permission) for name, permission in asked.items()}


class _Names:
    """Models by their titles, where they are here; destinations by their names."""

    def __init__(self, page: StudyPage, packages: Mapping[str, ModelPackage], report: str) -> None:
        items = (work.status.workitem for work in page.works)
        self._titles = {item.package: packages[item.uid].title for item in items if item.uid in packages}
        self._titles[REPORT_PACKAGE] = report

    def __call__(self, subject: str) -> str:
        """As people call it."""
        return self._titles.get(subject, subject)


class _Targets:
    """What a sentence of the report rests on."""

    def __init__(self, page: StudyPage) -> None:
        self._evidence = page.evidence
        self._cards = {card.tracking_uid: card for work in page.works if not work.withdrawn for card in work.cards}

    def __call__(self, sentence: Sentence) -> tuple[tuple[str, str], ...]:
        """Anchor and name of each finding, once."""
        uids = dict.fromkeys(self._evidence.get(place, "") for place in sentence.evidence)
        return tuple((self._cards[uid].anchor, self._cards[uid].name) for uid in uids if uid in self._cards)
