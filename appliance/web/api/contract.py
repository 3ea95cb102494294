"""What all of the API has in common: its address, how errors are told, pages of long lists, its own description."""

from typing import Annotated, Any, Generic, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field

from appliance import __version__
from appliance.web.security.guard import signed_in

PREFIX = "/api/v1"
MOST_ITEMS = 500
NO_NUL = r"^[^\x00]*$"
"""What a database can be asked for: PostgreSQL has no such character."""

Item = TypeVar("Item")
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many items at most.")]


class Answer(BaseModel):
    """Base of everything that the API says."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Problem(BaseModel):
    """What went wrong, as application/problem+json (RFC 9457)."""

    type: str = Field(description="about:blank#CODE with the stable code of the error, see runbooks/error-codes.md")
    title: str
    status: int
    detail: str | None = None
    remedy: str | None = None
    errors: list[dict[str, str]] | None = Field(default=None, description="for 422: what is wrong at which place")


class Page(Answer, Generic[Item]):
    """Some of a long list; `next` is what to send as `after` for those that follow, null at the end."""

    items: list[Item]
    next: str | None = None


def _told(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: _told("The request cannot be read."),
    401: _told("Nobody is signed in, or the token is not valid."),
    403: _told("Who asks may not, or another site made the request up."),
    404: _told("There is no such thing."),
    409: _told("This contradicts how things are."),
    413: _told("The body is too large."),
    422: _told("Something in the request is not as it must be."),
    503: _told("A service or the ledger does not answer; try again."),
}
"""Every answer but success that any route may give."""


def contract_router() -> APIRouter:
    """The description of the API, for whoever is signed in."""
    router = APIRouter(include_in_schema=False)

    @router.get("/openapi.json", dependencies=[signed_in()])
    def description(request: Request) -> dict[str, Any]:
        return describe(request.app)

    return router


def describe(app: Any) -> dict[str, Any]:
    """The OpenAPI description of the routes under PREFIX."""
    routes = [route for route in iter_route_contexts(app.routes) if (route.path or "").startswith(PREFIX)]
    found = get_openapi(title="Appliance", version=__version__, routes=routes)
    components = found.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token from the page of the account."},
        "session": {"type": "apiKey", "in": "cookie", "name": "appliance-session"},
    }
    found["security"] = [{"token": []}, {"session": []}]
    return found
