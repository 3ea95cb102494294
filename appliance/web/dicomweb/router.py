"""The DICOMweb resources of a node, behind their doors."""

import httpx
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission
from appliance.settings import SecretName
from appliance.study.objects import MIB
from appliance.web.dicomweb.access import AccessNotes
from appliance.web.dicomweb.multipart import UploadLimits
from appliance.web.dicomweb.proxy import proxy_router
from appliance.web.dicomweb.stow import stow_router
from appliance.web.node import node_of
from appliance.web.security.guard import Door, admit
from appliance.web.security.internal_token import InternalToken


class UploadDoor(Door):
    """Lets pass who may store: a person, a program with a token of theirs, or the node with the token of uploads."""

    permission = Permission.STORE

    def __init__(self, token: str) -> None:
        self._internal = InternalToken(token)

    async def __call__(self, request: Request) -> None:
        """Raise as the guard does."""
        if not self._internal.is_borne_by(request):
            await run_in_threadpool(admit, request, node_of(request), self.permission)


def dicomweb_router(node: Appliance, orthanc: httpx.AsyncClient) -> APIRouter:
    """Storing, searching and retrieving; opens the ledger only when something comes, since one that is away must not
    keep the service down.
    """
    router = APIRouter()
    router.include_router(_stow(node))
    router.include_router(proxy_router(orthanc, AccessNotes(lambda: node.audit)))
    return router


def _stow(node: Appliance) -> APIRouter:
    settings, limits = node.settings, node.settings.uploads
    return stow_router(
        lambda file, study: node.quarantine_desk.upload(file, study),
        settings.upload_spool,
        UploadLimits(
            request_bytes=limits.request_mib * MIB,
            part_bytes=settings.gate_limits.object_bytes,
            parts=limits.parts,
            at_once=limits.at_once,
            patience_s=limits.patience_s,
        ),
        [Depends(UploadDoor(settings.secrets.get(SecretName.UPLOADS)))],
    )
