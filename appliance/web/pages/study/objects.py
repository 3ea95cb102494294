"""Pictures of a study and its results, and the result objects themselves."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission
from appliance.domain.audit import AuditEntry, AuditKind
from appliance.domain.dicom_result import ResultKind
from appliance.domain.errors import PageUnknown
from appliance.domain.identifiers import StudyInstanceUID
from appliance.results.content_tree import content_lines
from appliance.results.stored_segmentation import segments_of
from appliance.services.receipts.findings import FindingCard
from appliance.services.receipts.receipt_page import Work
from appliance.store.results import ResultRecord
from appliance.web.node import Node
from appliance.web.pages.study.address import Uid
from appliance.web.pages.study.show import Reader
from appliance.web.security.guard import requires
from appliance.web.security.visitor import Visitor
from appliance.web.shell import shell_of

router = APIRouter()
Seer = Annotated[Visitor, requires(Permission.DICOM_READ)]
_KEPT = {"Cache-Control": "private, max-age=300"}


@router.get("/{study}/thumbnail")
def thumbnail(node: Node, visitor: Seer, study: Uid) -> Response:
    """The study as a small picture, with its most important finding outlined."""
    uid = StudyInstanceUID(study)
    page = node.study_page(uid)
    for work in page.works:
        for card in work.cards:
            stored = stored_segment(node, work, card)
            if stored is not None:
                return _picture(node.previews.thumbnail(uid, [stored[0]], stored[1]))
    return _picture(node.previews.thumbnail(uid, []))


@router.get("/{study}/findings/{tracking}/preview")
def preview(request: Request, node: Node, visitor: Seer, study: Uid, tracking: Uid) -> Response:
    """A finding on the slice that shows most of it, drawn from the stored object."""
    uid = StudyInstanceUID(study)
    found = node.study_page(uid).card(tracking)
    if found is None:
        raise PageUnknown(where=request.url.path)
    work, card = found
    language = shell_of(request).language(request, visitor)
    if card.region is not None:
        return _picture(node.previews.of_region(uid, card.region, language))
    stored = stored_segment(node, work, card)
    if stored is None:
        raise PageUnknown(where=request.url.path)
    return _picture(node.previews.of_segmentation(stored[0], stored[1], language))


def stored_segment(node: Appliance, work: Work, card: FindingCard) -> tuple[ResultRecord, int] | None:
    """The SEG that holds a finding, and its Segment Number there, as the object itself says."""
    if card.segment is None:
        return None
    for record in work.results:
        if record.kind is ResultKind.SEG:
            for segment in segments_of(node.previews.dataset(record)):
                if segment.tracking_uid == card.tracking_uid:
                    return record, segment.number
    return None


@router.get("/{study}/results/{sop}")
def content(request: Request, node: Node, visitor: Reader, study: Uid, sop: Uid) -> Response:
    """What a structured report says, as text."""
    record = _record(request, node, study, sop)
    if record.kind not in (ResultKind.SR, ResultKind.REPORT, ResultKind.REVIEW, ResultKind.REJECTION):
        raise PageUnknown(where=request.url.path)
    lines = content_lines(node.previews.dataset(record))
    return shell_of(request).page(request, "study/content.html", visitor=visitor, record=record, lines=lines)


@router.get("/{study}/results/{sop}/object")
def stored_object(request: Request, node: Node, visitor: Seer, study: Uid, sop: Uid) -> Response:
    """The DICOM object."""
    record = _record(request, node, study, sop)
    _note_export(node, visitor, record)
    name = f"{record.kind.lower()}-{record.sha256[:12]}.dcm"
    return FileResponse(node.result_files.path(record.path), media_type="application/dicom", filename=name)


@router.get("/{study}/results/{sop}/document")
def document(request: Request, node: Node, visitor: Seer, study: Uid, sop: Uid) -> Response:
    """The PDF within an Encapsulated PDF."""
    record = _record(request, node, study, sop)
    if record.kind is not ResultKind.PDF:
        raise PageUnknown(where=request.url.path)
    _note_export(node, visitor, record)
    dataset = node.previews.dataset(record)
    file = bytes(dataset.EncapsulatedDocument)[: int(dataset.EncapsulatedDocumentLength)]
    name = f"report-{record.sha256[:12]}.pdf"
    return Response(file, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})


def _record(request: Request, node: Appliance, study: str, sop: str) -> ResultRecord:
    for record in node.results.of_study(StudyInstanceUID(study), superseded=True):
        if record.sop_instance_uid == sop:
            return record
    raise PageUnknown(where=request.url.path)


def _note_export(node: Appliance, visitor: Visitor, record: ResultRecord) -> None:
    entry = AuditEntry(
        kind=AuditKind.OBJECTS_EXPORTED,
        actor=visitor.actor,
        study_instance_uid=record.study_instance_uid,
        about=record.kind,
        detail={"sop_instance_uid": record.sop_instance_uid},
    )
    node.audit.record(entry)


def _picture(path: Path) -> Response:
    return FileResponse(path, media_type="image/png", headers=_KEPT)
