"""The HTTP surface of the node: POST /internal/announcements and GET /ready (with a token), STOW-RS, GET /health.

Only /health answers without the token, and it says nothing but that the process is alive.
"""

import atexit
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from appliance.bootstrap import Appliance
from appliance.domain.errors import ApplianceError
from appliance.logs import configure_logs, get_logger
from appliance.services.presence import Presence
from appliance.settings import SecretName, Settings, load_settings
from appliance.study.objects import MIB
from appliance.web.dicomweb.multipart import UploadLimits
from appliance.web.dicomweb.stow import stow_router
from appliance.web.queue import AnnouncementQueue
from appliance.web.readiness import Check, checks, failures

OrthancId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{8}){4}$")]
_Short = Annotated[str, StringConstraints(max_length=64)]
MOST_BYTES = 1_000_000
MOST_INSTANCES = 5_000
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_log = get_logger(__name__)


class Announcement(BaseModel):
    """One stored instance: Orthanc's identifier, calling AE title, its address, called AE title, and how long ago, in
    seconds, it was stored when this was sent: an age needs no agreement of clocks.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: OrthancId
    aet: _Short = ""
    ip: _Short = ""
    called: _Short = ""
    age_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0


class Announcements(BaseModel):
    """What the plugin posts."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    instances: Annotated[tuple[Announcement, ...], Field(max_length=MOST_INSTANCES)]


class Receiver(Protocol):
    """Takes announced instances over."""

    def receive_instances(self, received: Mapping[str, float]) -> None:
        """Orthanc's identifiers, with the moments of reception in seconds since 1970. Raises QueueUnavailable where it
        cannot.
        """
        ...


def create_app() -> FastAPI:
    """The application as the supervisor starts it: with settings, queue and secrets of the node."""
    configure_logs()
    settings = load_settings()
    queue = AnnouncementQueue(settings)
    presence = Presence(settings.signs, "web")
    presence.start()
    atexit.register(presence.stop)
    app = build_app(queue, checks(settings, queue), settings.secrets.get(SecretName.ANNOUNCEMENTS))
    app.include_router(_stow(settings))
    return app


def _stow(settings: Settings) -> APIRouter:
    node, limits = Appliance(settings), settings.uploads
    return stow_router(
        # asked for when it is needed, since a ledger that is away must not keep the service from starting
        lambda file, study: node.quarantine_desk.upload(file, study),
        settings.upload_spool,
        UploadLimits(
            request_bytes=limits.request_mib * MIB,
            part_bytes=settings.gate_limits.object_bytes,
            parts=limits.parts,
            at_once=limits.at_once,
            patience_s=limits.patience_s,
        ),
        [Depends(require_token(settings.secrets.get(SecretName.UPLOADS)))],
    )


def build_app(receiver: Receiver, components: Mapping[str, Check], token: str) -> FastAPI:
    """The application around its collaborators. `components` are what /ready asks."""
    app = FastAPI(title="appliance", docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(_with_security_headers)
    app.add_exception_handler(ApplianceError, _as_problem)
    authorised = [Depends(require_token(token))]

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/ready", dependencies=authorised)
    def ready(response: Response) -> dict[str, Any]:
        failed = failures(components)
        response.status_code = 503 if failed else 200
        return {"ready": not failed, "failed": failed}

    @app.post("/internal/announcements", status_code=202, dependencies=authorised)
    async def announce(request: Request) -> dict[str, int]:
        now = time.time()
        announced = _parse(await _limited_body(request))
        received = {item.id: now - item.age_s for item in announced.instances}
        await run_in_threadpool(receiver.receive_instances, received)
        return {"accepted": len(announced.instances)}

    return app


def require_token(token: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency that lets only bearers of the token pass; compared in constant time."""
    if not token:
        raise ValueError("an empty token would let everybody pass")
    expected = f"Bearer {token}".encode()

    async def check(request: Request) -> None:
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, expected):
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})

    return check


async def _limited_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"at most {MOST_BYTES} bytes")
    return bytes(body)


def _parse(body: bytes) -> Announcements:
    try:
        return Announcements.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(422, f"not an announcement: {error.error_count()} errors") from error


async def _with_security_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers.update(_HEADERS)
    return response


async def _as_problem(_: Request, error: Exception) -> JSONResponse:
    """An error of the tree as RFC 9457 problem details."""
    assert isinstance(error, ApplianceError)
    _log.warning("request failed", code=error.code, reason=error.what)
    content = {"type": f"about:blank#{error.code}", "title": error.title, "status": error.http_status}
    return JSONResponse(content, error.http_status, media_type="application/problem+json")
