"""Errors as answers: a page that says what, where and what to do; problem details (RFC 9457) for programs."""

from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from appliance.domain.errors import ApplianceError, NotSignedIn, PageUnknown
from appliance.logs import get_logger
from appliance.web.node import node_of
from appliance.web.security.headers import add_headers
from appliance.web.security.visitor import Visitor, recognise
from appliance.web.shell import shell_of

_FOR_PROGRAMS = ("/api/", "/dicom-web/", "/internal/", "/ready", "/health", "/static/")
_log = get_logger(__name__)


def add_error_answers(app: FastAPI) -> None:
    """Answer every error of ours, and those of the framework, in the form that who asks can read."""
    app.add_exception_handler(ApplianceError, _appliance_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _defect)


def is_for_people(request: Request) -> bool:
    """Whether a person looks at the answer."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_FOR_PROGRAMS)


async def _appliance_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApplianceError)
    _log.warning("request failed", code=error.code, reason=error.what)
    if isinstance(error, NotSignedIn) and request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    if not is_for_people(request):
        return problem(error)
    if isinstance(error, NotSignedIn):
        return RedirectResponse(_entrance(request), 303)
    return _page(request, error.http_status, error)


def _entrance(request: Request) -> str:
    """Where to sign in, and where to go on afterwards."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    is_worth_it = request.method == "GET" and wanted not in ("/", "/logout")
    return f"/login?next={quote(wanted, safe='/')}" if is_worth_it else "/login"


def problem(error: ApplianceError) -> JSONResponse:
    """Problem details: a stable code, and what to do. What failed inside is no business of who asks, only its code."""
    content = {"type": f"about:blank#{error.code}", "title": error.title, "status": error.http_status}
    if error.http_status < HTTPStatus.INTERNAL_SERVER_ERROR:
        content |= {"detail": error.what} if error.what != error.title else {}
        content["remedy"] = error.remedy
    headers = {"WWW-Authenticate": "Bearer"} if error.http_status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(content, error.http_status, headers, media_type="application/problem+json")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if is_for_people(request):
        known = PageUnknown(where=request.url.path) if error.status_code == HTTPStatus.NOT_FOUND else None
        return _page(request, error.status_code, known)
    return _plain_problem(error.status_code, headers=dict(error.headers or {}), detail=_detail(error))


def _detail(error: HTTPException) -> str:
    phrase = HTTPStatus(error.status_code).phrase
    return "" if error.detail == phrase else str(error.detail)


async def _invalid(request: Request, error: Exception) -> Response:
    """The values are not repeated: they may be anything."""
    assert isinstance(error, RequestValidationError)
    if is_for_people(request):
        return _page(request, 422, None)
    wrong = [{"at": ".".join(map(str, item["loc"])), "why": item["msg"]} for item in error.errors()]
    return _plain_problem(422, errors=wrong)


async def _defect(request: Request, error: Exception) -> Response:
    """The server logs the error itself, with its traceback."""
    response = _page(request, 500, None) if is_for_people(request) else _plain_problem(500)
    add_headers(response.headers, request.url.scheme)  # this one is made outside of the middleware
    return response


def _plain_problem(status: int, headers: dict[str, str] | None = None, detail: str = "", **more: object) -> Response:
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    content |= ({"detail": detail} if detail else {}) | more
    return JSONResponse(content, status, headers, media_type="application/problem+json")


def _page(request: Request, status: int, error: ApplianceError | None) -> Response:
    visitor = _visitor(request)
    phrase = HTTPStatus(status).phrase
    return shell_of(request).page(
        request, "error.html", visitor=visitor, status=status, error=error, status_code=status, phrase=phrase
    )


def _visitor(request: Request) -> Visitor | None:
    try:
        return recognise(request, node_of(request))
    except ApplianceError:
        return None
