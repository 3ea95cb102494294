"""A study as its page shows it: state, findings, objects, deliveries; nothing of who the patient is."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter

from appliance.domain.access import Permission
from appliance.domain.audit import AuditEntry, AuditKind
from appliance.domain.dicom_result import ResultKind
from appliance.domain.feedback import Feedback, Verdict
from appliance.domain.finding import Outcome
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import ProcedureStepState
from appliance.services.receipts.findings import FindingCard
from appliance.services.receipts.receipt_page import Work
from appliance.store.deliveries import DeliveryState
from appliance.store.study_state import StudyState
from appliance.web.api.contract import Answer
from appliance.web.node import Node
from appliance.web.pages.study.address import Uid
from appliance.web.security.guard import requires
from appliance.web.security.visitor import Visitor

router = APIRouter(prefix="/studies", tags=["studies"])


class GivenAnswer(Answer):
    """What a reader answered; the remark, which may name a patient, is not here."""

    verdict: Verdict
    reader: str
    at: datetime


class SaidFinding(Answer):
    """Everything that a model says of one segment, region or image."""

    tracking_uid: str
    name: str
    outcome: Outcome
    evaluations: list[tuple[str, str]]
    measurements: list[str]
    probability: float | None
    threshold: float | None
    answers: list[GivenAnswer]


class DoneWork(Answer):
    """One model, or the report, on the study."""

    workitem_uid: str
    model: str
    version: str
    series_instance_uid: str | None
    state: ProcedureStepState
    withdrawn: bool
    code: str | None
    findings: list[SaidFinding]


class StoredObject(Answer):
    """A result object."""

    sop_instance_uid: str
    kind: ResultKind
    description: str
    sha256: str
    size: int
    created_at: datetime
    stands: bool


class OneDelivery(Answer):
    """A result object and a destination."""

    sop_instance_uid: str
    destination: str
    state: DeliveryState
    attempts: int
    delivered_at: datetime | None
    code: str | None


class StudyReceipt(Answer):
    """A study, and what became of it. version grows with everything that happens to it."""

    study_instance_uid: str
    version: int
    state: StudyState
    failures: list[str]
    modalities: list[str]
    series: int
    instances: int
    work: list[DoneWork]
    objects: list[StoredObject]
    deliveries: list[OneDelivery]


@router.get("/{study}")
def study(node: Node, visitor: Annotated[Visitor, requires(Permission.STUDIES_READ)], study: Uid) -> StudyReceipt:
    """Everything that happened to a study. That it was opened stands in the audit trail."""
    uid = StudyInstanceUID(study)
    page = node.study_page(uid)
    node.audit.record(AuditEntry(kind=AuditKind.STUDY_OPENED, actor=visitor.actor, study_instance_uid=uid))
    summary, given = page.receipt.summary, node.feedback_book.of_study(uid)
    return StudyReceipt(
        study_instance_uid=uid,
        version=page.version,
        state=summary.state,
        failures=list(summary.failures),
        modalities=list(summary.modalities),
        series=summary.series,
        instances=summary.instances,
        work=[_work(work, given) for work in page.works],
        objects=[
            StoredObject(
                sop_instance_uid=item.sop_instance_uid,
                kind=item.kind,
                description=item.description,
                sha256=item.sha256,
                size=item.size,
                created_at=item.created_at,
                stands=item.superseded_by is None,
            )
            for item in page.receipt.results
        ],
        deliveries=[OneDelivery.model_validate(item) for item in page.receipt.deliveries],
    )


def _work(work: Work, given: tuple[Feedback, ...]) -> DoneWork:
    item = work.status.workitem
    return DoneWork(
        workitem_uid=item.uid,
        model=item.package,
        version=item.version,
        series_instance_uid=item.series_instance_uid,
        state=work.status.state,
        withdrawn=work.withdrawn,
        code=work.reason.code if work.reason else None,
        findings=[_finding(card, given) for card in work.cards],
    )


def _finding(card: FindingCard, given: tuple[Feedback, ...]) -> SaidFinding:
    probability, threshold = card.certainty or (None, None)
    return SaidFinding(
        tracking_uid=card.tracking_uid,
        name=card.name,
        outcome=card.outcome,
        evaluations=[(concept, value) for concept, value, _ in card.statements],
        measurements=list(card.numbers),
        probability=probability,
        threshold=threshold,
        answers=[GivenAnswer.model_validate(item) for item in given if item.tracking_uid == card.tracking_uid],
    )
