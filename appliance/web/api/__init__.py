"""The API for programs and for the pages themselves, under /api/v1. Each module has a `router`; the list is here."""

from fastapi import APIRouter

from appliance.web.api import audit, feedback, me, studies, users
from appliance.web.api.contract import PREFIX, PROBLEMS, contract_router

ROUTERS: tuple[APIRouter, ...] = (me.router, users.router, audit.router, studies.router, feedback.router)


def api_router() -> APIRouter:
    """Version 1 of the API, with its description."""
    api = APIRouter(prefix=PREFIX, responses=PROBLEMS)
    for router in ROUTERS:
        api.include_router(router)
    api.include_router(contract_router())
    return api
