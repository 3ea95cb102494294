"""Tells an open page that something happened to its study: server-sent events."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from appliance.bootstrap import Appliance
from appliance.domain.errors import ApplianceError
from appliance.domain.identifiers import StudyInstanceUID
from appliance.web.node import Node
from appliance.web.pages.study.address import Uid
from appliance.web.pages.study.show import Reader
from appliance.web.security.visitor import Visitor

router = APIRouter()
EVERY_S = 1.0
_ALIVE_EVERY = 15
"""So many looks without news, then a comment, so that a connection that is gone is noticed."""


@router.get("/{study}/live")
async def live(request: Request, node: Node, visitor: Reader, study: Uid) -> Response:
    """An event "changed" whenever the timeline of the study has grown; ends with the session."""
    uid = StudyInstanceUID(study)
    await run_in_threadpool(node.studies.summary, uid)
    stream = _changes(request, node, visitor, uid)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _changes(request: Request, node: Appliance, visitor: Visitor, study: StudyInstanceUID) -> AsyncIterator[str]:
    seen = await run_in_threadpool(node.studies.last_event, study)
    yield f"id: {seen}\nevent: opened\ndata: {seen}\n\n"
    quiet = 0
    while not await request.is_disconnected():
        await asyncio.sleep(EVERY_S)
        try:
            last = await run_in_threadpool(_look, node, visitor, study)
        except ApplianceError:
            return
        if last is None:
            yield "event: ended\ndata: \n\n"
            return
        quiet += 1
        if last != seen:
            seen, quiet = last, 0
            yield f"id: {seen}\nevent: changed\ndata: {seen}\n\n"
        elif quiet >= _ALIVE_EVERY:
            quiet = 0
            yield ": alive\n\n"


def _look(node: Appliance, visitor: Visitor, study: StudyInstanceUID) -> int | None:
    """The number of the last event; None once the session has ended, which looking does not prolong."""
    if visitor.session and node.web_sessions.find(visitor.session.id_sha256, using=False) is None:
        return None
    return node.studies.last_event(study)
