"""The door of every route. A route without one keeps the service from starting.

`visitor: Annotated[Visitor, requires(Permission.X)]` lets in whoever has the permission and says who it is.
`dependencies=[open_to_all("why")]` is for the few routes that answer nobody in particular.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Mount

from appliance.bootstrap import Appliance
from appliance.domain.access import Permission
from appliance.domain.audit import AuditEntry, AuditKind, Outcome
from appliance.domain.errors import NotPermitted
from appliance.web.node import node_of
from appliance.web.security.csrf import refuse_forged
from appliance.web.security.visitor import Visitor, recognise


class Door:
    """What decides who passes; every route has one."""


class OpenDoor(Door):
    """Lets everybody pass, for a reason; requests that other sites make up stay outside all the same."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def __call__(self, request: Request) -> None:
        """Raise RequestForged."""
        refuse_forged(request)


class Guard(Door):
    """Lets pass who has a permission; None: everybody who is known, person or program."""

    def __init__(self, permission: Permission | None) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> Visitor:
        """Who asks. Raises NotSignedIn, NotPermitted (which stands in the audit trail), RequestForged."""
        return await run_in_threadpool(admit, request, node_of(request), self.permission)


def admit(request: Request, node: Appliance, permission: Permission | None) -> Visitor:
    """What the guard does, for who has to decide later than a route begins. Raises as the guard does."""
    visitor = recognise(request, node)
    refuse_forged(request)
    if permission is not None and not visitor.may(permission):
        detail = {"permission": str(permission), "method": request.method}
        path = request.scope["route"].path if "route" in request.scope else ""
        entry = AuditEntry(
            kind=AuditKind.ACCESS_REFUSED,
            actor=visitor.actor,
            outcome=Outcome.SERIOUS_FAILURE,
            about=path,
            detail=detail,
        )
        node.audit.record(entry)
        raise NotPermitted(where=path)
    return visitor


def requires(permission: Permission) -> Any:
    """The dependency that lets pass who has `permission`; its value is the Visitor."""
    return Depends(Guard(permission))


def signed_in() -> Any:
    """The dependency that lets pass whoever is known, person or program; its value is the Visitor."""
    return Depends(Guard(None))


def open_to_all(reason: str) -> Any:
    """The dependency of a route that answers everybody; `reason` says why that is right."""
    return Depends(OpenDoor(reason))


def doors_of(route: RouteContext) -> tuple[Door, ...]:
    """Every door of a route, however deep in its dependencies."""
    dependant = getattr(route, "dependant", None)
    return tuple(call for call in _calls(dependant) if isinstance(call, Door)) if dependant else ()


def refuse_unguarded(routes: Sequence[BaseRoute], *, mounts: Iterable[str]) -> None:
    """Raise RuntimeError for a route without a door, and for a mount that is not among `mounts`."""
    known = frozenset(mounts)
    for route in iter_route_contexts(routes):
        is_known_mount = isinstance(route.original_route, Mount) and route.path in known
        if not is_known_mount and not doors_of(route):
            raise RuntimeError(f"this route says not who may use it: {route.path}")


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for child in dependant.dependencies:
        yield from _calls(child)
