"""What the node asks of its own web service: announcements and readiness with the token, health for everybody.

/health says nothing but that the process is alive.
"""

import time
from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from appliance.web.readiness import Check, failures
from appliance.web.security.guard import open_to_all
from appliance.web.security.internal_token import InternalToken

OrthancId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{8}){4}$")]
_Short = Annotated[str, StringConstraints(max_length=64)]
MOST_BYTES = 1_000_000
MOST_INSTANCES = 5_000


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


def internal_router(receiver: Receiver, components: Mapping[str, Check], token: str) -> APIRouter:
    """The routes around their collaborators. `components` are what /ready asks."""
    router = APIRouter(include_in_schema=False)
    authorised = [Depends(InternalToken(token))]

    @router.get("/health", dependencies=[open_to_all("says only that the process is alive")])
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/ready", dependencies=authorised)
    def ready(response: Response) -> dict[str, Any]:
        failed = failures(components)
        response.status_code = 503 if failed else 200
        return {"ready": not failed, "failed": failed}

    @router.post("/internal/announcements", status_code=202, dependencies=authorised)
    async def announce(request: Request) -> dict[str, int]:
        now = time.time()
        announced = _parse(await _limited_body(request))
        received = {item.id: now - item.age_s for item in announced.instances}
        await run_in_threadpool(receiver.receive_instances, received)
        return {"accepted": len(announced.instances)}

    return router


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
