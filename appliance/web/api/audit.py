"""The audit trail, searched; that it was read stands in it, too."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AfterValidator

from appliance.domain.access import Permission
from appliance.domain.audit import DICOM_EVENTS, AuditEntry, AuditKind, Outcome
from appliance.store.audit_trail import AuditQuery, AuditRecord
from appliance.web.api.contract import NO_NUL, Answer, Limit, Page
from appliance.web.node import Node
from appliance.web.security.guard import requires
from appliance.web.security.visitor import Visitor

router = APIRouter(prefix="/audit", tags=["audit"])
_LONGEST = 128


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


Moment = Annotated[datetime, AfterValidator(_in_utc)]
_Text = Annotated[str | None, Query(max_length=_LONGEST, pattern=NO_NUL)]


class DicomCode(Answer):
    """A code of the DICOM Controlled Terminology."""

    value: str
    meaning: str


class Event(Answer):
    """One event: in our words, and in those of PS3.15 A.5."""

    number: int
    at: datetime
    kind: AuditKind
    event: DicomCode
    event_type: DicomCode | None
    action: str
    outcome: Outcome
    actor: str
    address: str
    study_instance_uid: str | None
    about: str
    detail: dict[str, str | int]


@router.get("")
def search(
    node: Node,
    visitor: Annotated[Visitor, requires(Permission.AUDIT_READ)],
    kind: AuditKind | None = None,
    actor: _Text = None,
    study_instance_uid: _Text = None,
    outcome: Outcome | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    after: Annotated[int | None, Query(ge=1, le=2**62, description="`next` of the page before.")] = None,
    limit: Limit = 100,
) -> Page[Event]:
    """Events that fit every word, newest first. Moments without a zone are UTC."""
    query = AuditQuery(
        kind=kind,
        actor=actor,
        study_instance_uid=study_instance_uid,
        outcome=outcome,
        since=since,
        until=until,
        before=after,
    )
    asked = {"kind": kind, "actor": actor, "study_instance_uid": study_instance_uid, "outcome": outcome}
    detail = {name: str(value) for name, value in asked.items() if value is not None}
    node.audit.record(AuditEntry(kind=AuditKind.AUDIT_READ, actor=visitor.actor, detail=detail))
    found = node.audit.search(query, limit + 1)
    following = str(found[limit - 1].number) if len(found) > limit else None
    return Page(items=[_event(record) for record in found[:limit]], next=following)


def _event(record: AuditRecord) -> Event:
    said = DICOM_EVENTS[record.kind]
    return Event(
        number=record.number,
        at=record.at,
        kind=record.kind,
        event=DicomCode.model_validate(said.event),
        event_type=DicomCode.model_validate(said.type) if said.type else None,
        action=said.action.value,
        outcome=record.outcome,
        actor=record.actor,
        address=record.address,
        study_instance_uid=record.study_instance_uid,
        about=record.about,
        detail=dict(record.detail),
    )
