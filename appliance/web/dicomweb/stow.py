"""STOW-RS (PS3.18 10.5): objects over HTTP, past the same gate as everything else.

POST /dicom-web/studies and /dicom-web/studies/{uid} take multipart/related; type="application/dicom". Each part is
stored as soon as it is whole, so that a study is planned while the rest of it is still coming; what was stored before a
request broke off stays, and sending it again changes nothing.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.params import Depends
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from appliance.domain.errors import (
    MediaTypeUnsupported,
    NotAcceptable,
    RequestMalformed,
    RequestTooLarge,
    RequestTooSlow,
    TransientError,
)
from appliance.logs import get_logger
from appliance.services.quarantine import Uploaded
from appliance.web.dicomweb.multipart import Parts, UploadLimits, boundary_of
from appliance.web.dicomweb.stow_answer import MEDIA_TYPE, stow_answer

Upload = Callable[[Path, str], Uploaded]
"""A file, and the study that it is to belong to ("": any), brought into Orthanc. Raises TransientError."""
_UID = re.compile(r"[0-9.]{1,64}")
_ACCEPTED = frozenset({"", "*/*", "application/*", "application/json", MEDIA_TYPE})
_BOUNDED_AS_IT_COMES = 1 << 62
_log = get_logger(__name__)


def stow_router(upload: Upload, spool: Path, limits: UploadLimits, authorised: Sequence[Depends]) -> APIRouter:
    """The two resources that take objects. spool: a folder for parts under way, emptied here."""
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in spool.iterdir():
        left.unlink()
    router = APIRouter(
        prefix="/dicom-web", dependencies=authorised, include_in_schema=False, max_body_size=_BOUNDED_AS_IT_COMES
    )
    places = CapacityLimiter(limits.at_once)

    @router.post("/studies")
    async def store(request: Request) -> JSONResponse:
        return await _store(request, "")

    @router.post("/studies/{study}")
    async def store_in_study(request: Request, study: str) -> JSONResponse:
        if not _UID.fullmatch(study):
            raise RequestMalformed("the study in the path is no UID")
        return await _store(request, study)

    async def _store(request: Request, study: str) -> JSONResponse:
        desk = _Counter(upload, study)
        parts = Parts(_boundary(request, limits), spool, limits, desk.take)
        try:
            async with places, aclosing(_chunks(request, limits.patience_s)) as chunks:
                async for chunk in chunks:
                    await to_thread.run_sync(parts.feed, chunk)
            parts.finish()
        finally:
            parts.close()
        answer = stow_answer(desk.uploaded)
        _log.info("objects came over HTTP", objects=len(desk.uploaded), status=answer.status)
        return JSONResponse(dict(answer.content), answer.status, media_type=MEDIA_TYPE)

    return router


class _Counter:
    """Brings parts in one by one, and remembers what became of them."""

    def __init__(self, upload: Upload, study: str) -> None:
        self._upload = upload
        self._study = study
        self.uploaded: list[Uploaded] = []

    def take(self, file: Path) -> None:
        """One whole part. Raises TransientError as long as nothing was stored: then it is said of all of them."""
        try:
            self.uploaded.append(self._upload(file, self._study))
        except TransientError as error:
            if all(each.refusal for each in self.uploaded):
                raise
            self.uploaded.append(Uploaded(sop_class="", sop_instance="", refusal=error))


def _boundary(request: Request, limits: UploadLimits) -> bytes:
    """The boundary of a request that looks right by its headers. Raises an ApplianceError."""
    headers = request.headers
    accepted = {item.partition(";")[0].strip().lower() for item in headers.get("accept", "").split(",")}
    if not accepted & _ACCEPTED:
        raise NotAcceptable
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise MediaTypeUnsupported("the body is compressed")
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limits.request_bytes:
        raise RequestTooLarge(f"more than {limits.request_bytes} bytes")
    return boundary_of(headers.get("content-type", ""))


async def _chunks(request: Request, patience_s: float) -> AsyncGenerator[bytes, None]:
    """The body as it comes. Raises RequestTooSlow, RequestMalformed."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(patience_s):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise RequestTooSlow from None
        except ClientDisconnect:
            raise RequestMalformed("the sender went away") from None
        if chunk:
            yield chunk
