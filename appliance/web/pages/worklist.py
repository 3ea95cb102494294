"""The radiologist's worklist: the list, its live changes, claims, and the views that people keep."""

import json
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, StreamingResponse

from appliance.domain.access import Permission
from appliance.domain.audit import AuditEntry, AuditKind
from appliance.domain.errors import NotAcceptable
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.workitem import Priority
from appliance.domain.worklist import AiStatus, Entry, Shown
from appliance.store.reading_room import Performer
from appliance.web.i18n import translatable
from appliance.web.node import Node
from appliance.web.pages.section import Section
from appliance.web.security.guard import requires
from appliance.web.security.visitor import Visitor
from appliance.web.shell import NavEntry, shell_of
from appliance.web.worklist.asking import NO_NUL, Asked, Asking, cursor_of, key_of, place_at
from appliance.web.worklist.rows import PRIORITY_LABELS, STATUS_LABELS, Rows, Viewpoint, viewpoint_of
from appliance.web.worklist.watcher import Behind, Ended, Watcher

router = APIRouter(prefix="/worklist", include_in_schema=False)
SECTION = Section(
    router=router,
    entries=(NavEntry(path="/worklist", label=translatable("Worklist"), permission=Permission.STUDIES_READ),),
)

PAGE_LINES = 50
_MOST_WORDS = 12
_MOST_MISSED = 200
QUIET_S = 25.0
"""After so long without a change something is sent all the same, so that nothing on the way ends the stream."""
MODALITIES = ("CT", "CR", "DX", "MG", "MR", "NM", "PT", "RF", "US", "XA")
DAYS = {0: translatable("any time"), 1: translatable("24 hours"), 3: translatable("3 days"), 7: translatable("7 days")}
SHOWN_LABELS = {
    Shown.OPEN: translatable("To read"),
    Shown.DONE: translatable("Read"),
    Shown.ALL: translatable("All"),
}
BUILT_IN = (
    (translatable("To read"), Asked()),
    (translatable("Urgent"), Asked(priority=Priority.HIGH)),
    (translatable("AI findings"), Asked(status=AiStatus.POSITIVE)),
    (translatable("Mine"), Asked(mine=True)),
    (translatable("Read"), Asked(shown=Shown.DONE)),
)

Reader = Annotated[Visitor, requires(Permission.STUDIES_READ)]
Claimer = Annotated[Visitor, requires(Permission.WORKLIST_CLAIM)]
_Uid = Annotated[str, Form(max_length=64, pattern=NO_NUL)]
_Back = Annotated[str, Form(max_length=600, pattern=NO_NUL)]
_Cursor = Annotated[str, Query(max_length=400, pattern=NO_NUL)]


@router.get("")
def worklist(request: Request, node: Node, visitor: Reader, asking: Asking, after: _Cursor = "") -> Response:
    """A page of the list."""
    node.worklist_keeper.keep()
    revision = node.worklist.revision()
    place = place_at(after) if after else None
    _note(node, visitor, asking)
    page = node.worklist.page(asking.wanted(visitor), after=place, limit=PAGE_LINES)
    viewpoint = viewpoint_of(visitor, shell_of(request).language(request, visitor))
    rows = _rows(request)
    views = node.worklist_views.of_user(visitor.user.name)
    return shell_of(request).page(
        request,
        "worklist/page.html",
        visitor=visitor,
        asked=asking,
        query=asking.query,
        rows=[rows.html(entry, viewpoint) for entry in page.entries],
        revision=revision,
        next=cursor_of(page.next) if page.next else "",
        is_first=place is None,
        last_key=key_of(page.entries[-1].place) if page.next else "",
        first_key=key_of(place) if place else "",
        views=views,
        built_in=[(label, view.query) for label, view in BUILT_IN],
        modalities=sorted({*MODALITIES, *filter(None, [asking.modality])}),
        days=DAYS,
        shown_labels=SHOWN_LABELS,
        status_labels=STATUS_LABELS,
        priority_labels=PRIORITY_LABELS,
        may_claim=viewpoint.may_claim,
        sees_patients=viewpoint.sees_patients,
    )


def _note(node: Node, visitor: Visitor, asking: Asked) -> None:
    """That somebody looked, and by what kind of words; never the words of a search, which may name a patient."""
    detail = {name: "…" if name == "q" else value for name, value in parse_qsl(asking.query)}
    node.audit.record(AuditEntry(kind=AuditKind.STUDIES_SEARCHED, actor=visitor.actor, about="worklist", detail=detail))


@router.get("/stream")
async def stream(
    request: Request,
    node: Node,
    visitor: Reader,
    asking: Asking,
    revision: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> Response:
    """Lines that change, as server-sent events: `row` with the line where it is wanted, `gone` where it is no more.

    Raises NotAcceptable for who asks for something else.
    """
    if "text/event-stream" not in request.headers.get("accept", ""):
        raise NotAcceptable("this answers with text/event-stream")
    last = request.headers.get("last-event-id", "")
    since = int(last) if last.isascii() and last.isdigit() and len(last) < 10 else revision
    viewpoint = viewpoint_of(visitor, shell_of(request).language(request, visitor))
    events = _events(request, node, visitor, asking, viewpoint, since)
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _events(
    request: Request, node: Node, visitor: Visitor, asking: Asked, viewpoint: Viewpoint, since: int
) -> AsyncIterator[str]:
    session = visitor.session.id_sha256 if visitor.session else ""
    rows, watcher = _rows(request), watcher_of(request)
    with watcher.subscribed(session, visitor.user.roles, since) as subscription:
        yield "retry: 2000\n\n"
        missed = await run_in_threadpool(node.worklist.changed_since, since, _MOST_MISSED)
        if len(missed) == _MOST_MISSED:
            yield "event: behind\ndata: {}\n\n"
            return
        for entry in missed:
            yield _event(entry, rows, viewpoint, asking, visitor)
        try:
            async for changed in subscription.changes(QUIET_S):
                if not changed:
                    yield ": still here\n\n"
                for entry in changed:
                    yield _event(entry, rows, viewpoint, asking, visitor)
        except Ended:
            yield "event: ended\ndata: {}\n\n"
        except Behind:
            yield "event: behind\ndata: {}\n\n"


def _event(entry: Entry, rows: Rows, viewpoint: Viewpoint, asking: Asked, visitor: Visitor) -> str:
    said: dict[str, str] = {"uid": entry.uid}
    kind = "gone"
    if asking.wanted(visitor).fits(entry):
        kind = "row"
        said |= {"key": key_of(entry.place), "html": rows.html(entry, viewpoint)}
    return f"id: {entry.revision}\nevent: {kind}\ndata: {json.dumps(said)}\n\n"


@router.post("/claim")
def claim(request: Request, node: Node, visitor: Claimer, study: _Uid, back: _Back = "") -> Response:
    """Claim a study for oneself."""
    node.reading_desk.claim(StudyInstanceUID(study), performer_of(visitor), visitor.actor)
    return _back_to_list(request, back)


@router.post("/release")
def release(request: Request, node: Node, visitor: Claimer, study: _Uid, back: _Back = "") -> Response:
    """Let go of a study."""
    node.reading_desk.release(StudyInstanceUID(study), performer_of(visitor), visitor.actor)
    return _back_to_list(request, back)


@router.post("/complete")
def complete(request: Request, node: Node, visitor: Claimer, study: _Uid, back: _Back = "") -> Response:
    """A study is read."""
    node.reading_desk.complete(StudyInstanceUID(study), performer_of(visitor), visitor.actor)
    return _back_to_list(request, back)


@router.post("/views")
def keep_view(node: Node, visitor: Reader, name: Annotated[str, Form(max_length=200)], query: _Back = "") -> Response:
    """Give what is shown a name. Raises ViewRefused."""
    node.worklist_views.keep(visitor.user.name, name, _clean(query))
    return RedirectResponse(f"/worklist?{_clean(query)}", 303)


@router.post("/views/forget")
def forget_view(node: Node, visitor: Reader, name: Annotated[str, Form(max_length=200)]) -> Response:
    """Remove a view."""
    node.worklist_views.forget(visitor.user.name, name)
    return RedirectResponse("/worklist", 303)


def performer_of(visitor: Visitor) -> Performer:
    """Who reads, if the visitor does."""
    return Performer(name=visitor.user.name, shown=visitor.user.display_name)


def watcher_of(request: Request) -> Watcher:
    """The one watcher of this process."""
    watcher = request.app.state.worklist_watcher
    assert isinstance(watcher, Watcher)
    return watcher


def _rows(request: Request) -> Rows:
    rows = request.app.state.worklist_rows
    assert isinstance(rows, Rows)
    return rows


def _back_to_list(request: Request, query: str) -> Response:
    watcher_of(request).look_now()
    return RedirectResponse(f"/worklist?{_clean(query)}", 303)


def _clean(query: str) -> str:
    """A query string and nothing else."""
    return urlencode(parse_qsl(query)[:_MOST_WORDS])
