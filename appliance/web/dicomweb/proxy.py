"""QIDO-RS and WADO-RS (PS3.18 10.4, 10.6) from Orthanc, for who may see patients' images.

Only the table of `resources.py` is passed on, with its parameters checked. Orthanc writes addresses of bulk data into
metadata; the header Forwarded (RFC 7239) tells it ours. Its plugin reads the header word by word and knows no quotes.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Request

from appliance.domain.access import Permission
from appliance.domain.errors import RequestMalformed
from appliance.settings import ORTHANC_USER, SecretName, Settings
from appliance.web.dicomweb.access import AccessNotes
from appliance.web.dicomweb.relay import Relay
from appliance.web.dicomweb.resources import RESOURCES, Reading, Resource
from appliance.web.security.guard import requires
from appliance.web.security.visitor import Visitor

ROOT = "/dicom-web"
_AUTHORITY = re.compile(r"[A-Za-z0-9.-]{1,255}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_LONGEST_QUERY = 8192
_KEPT = {"Cache-Control": "private, max-age=43200, immutable", "Vary": "Accept, Authorization, Cookie"}
"""For as long as the longest session; with the cookie of another one, nothing that is kept counts."""
_ANEW = {"Cache-Control": "no-store"}
_NO_MATCH_KEYS = frozenset({"limit", "offset", "includefield", "fuzzymatching"})

Reader = Annotated[Visitor, requires(Permission.DICOM_READ)]


def orthanc_client(settings: Settings) -> httpx.AsyncClient:
    """Connections to Orthanc. It closes those that are idle for a second: they are given up before."""
    return httpx.AsyncClient(
        base_url=settings.orthanc_url,
        auth=(ORTHANC_USER, settings.secrets.get(SecretName.ORTHANC)),
        headers={"Accept-Encoding": "identity", "User-Agent": "appliance"},
        timeout=httpx.Timeout(120.0, connect=5.0, pool=60.0),
        limits=httpx.Limits(max_connections=24, max_keepalive_connections=24, keepalive_expiry=0.5),
        trust_env=False,
    )


def proxy_router(client: httpx.AsyncClient, notes: AccessNotes) -> APIRouter:
    """One route for each resource, all closed with the connections when the service ends."""

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        await client.aclose()

    router = APIRouter(prefix=ROOT, include_in_schema=False, lifespan=lifespan)
    for resource in RESOURCES:
        router.add_api_route(resource.path, _endpoint(resource, client, notes), methods=["GET"])
    return router


def _endpoint(
    resource: Resource, client: httpx.AsyncClient, notes: AccessNotes
) -> Callable[[Request, Visitor], Awaitable[Relay]]:
    async def read(request: Request, visitor: Reader) -> Relay:
        values: Mapping[str, str] = request.path_params
        path = resource.upstream(values)
        query = request.scope["query_string"]
        if path is None or len(query) > _LONGEST_QUERY:
            raise RequestMalformed("a part of the address has not the form that it should have")
        await _note(notes, visitor, resource.reading, values.get("study"), request)
        question = client.build_request(
            "GET", httpx.URL(f"{ROOT}{path}", query=query or None), headers=_headers(request, resource)
        )
        return Relay(client, question, _KEPT if resource.immutable else _ANEW)

    return read


async def _note(notes: AccessNotes, visitor: Visitor, reading: Reading, study: str | None, request: Request) -> None:
    if study is None:
        keys = sorted({key[:64] for key in request.query_params if key.lower() not in _NO_MATCH_KEYS})
        await notes.searched(visitor, ", ".join(keys)[:256])
    elif reading is Reading.SEARCH:
        await notes.listed(visitor, study)
    else:
        await notes.opened(visitor, study)


def _headers(request: Request, resource: Resource) -> dict[str, str]:
    host = request.headers.get("host", "")
    if not _AUTHORITY.fullmatch(host):
        raise RequestMalformed("the header Host names no host")
    accept = resource.accept or request.headers.get("accept", "*/*")
    return {"Accept": accept, "Forwarded": f"host={host};proto={request.url.scheme}"}
