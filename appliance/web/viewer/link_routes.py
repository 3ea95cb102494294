"""The address that IHE Invoke Image Display names, and where it leads."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from appliance.web.dicomweb.access import AccessNotes
from appliance.web.shell import shell_of
from appliance.web.viewer.links import FoundStudy, StudyFinder, wanted_by
from appliance.web.viewer.router import Reader


def links_router(finder: StudyFinder, notes: AccessNotes) -> APIRouter:
    """One study is opened, beside its prior if there is one; of several the reader chooses."""
    router = APIRouter(include_in_schema=False)

    @router.get("/IHEInvokeImageDisplay")
    async def invoke(request: Request, visitor: Reader) -> Response:
        wanted = wanted_by(request.query_params)
        await notes.searched(visitor, wanted.key)
        found = await finder.find(wanted)
        if len(found) == 1:
            prior = await finder.prior_of(found[0])
            return RedirectResponse(viewer_address([found[0], prior] if prior else found), 303)
        return shell_of(request).page(
            request,
            "studies_found.html",
            visitor=visitor,
            status=200 if found else 404,
            found=[(study, _day(study.date), viewer_address([study])) for study in found],
        )

    return router


def viewer_address(studies: Sequence[FoundStudy]) -> str:
    """The viewer with these studies; a second one stands beside the first."""
    return f"/viewer?{urlencode({'StudyInstanceUIDs': ','.join(study.uid for study in studies)}, safe=',')}"


def _day(date: str) -> datetime | None:
    """A date as DICOM writes it (PS3.5 6.2, DA)."""
    try:
        return datetime.strptime(date, "%Y%m%d").astimezone()
    except ValueError:
        return None
