"""The cookie that holds a session: for this host only, out of reach for scripts.

SameSite is Lax, not Strict: a link from the PACS or a report system that opens a study must find the reader signed in.
Nothing is changed by GET, so that a link can do no harm.
"""

from fastapi import Request, Response

_NAME = "appliance-session"
_MARK = "appliance-sign-in"
_MARK_S = 600


def session_identifier(request: Request) -> str | None:
    """The identifier in the cookie, if there is one."""
    return request.cookies.get(_cookie_name(request))


def give_session(response: Response, request: Request, identifier: str) -> None:
    """Put the identifier into the browser, until it is closed; how long it counts is up to the ledger."""
    response.set_cookie(
        _cookie_name(request), identifier, path="/", secure=_is_secure(request), httponly=True, samesite="lax"
    )


def take_session(response: Response, request: Request) -> None:
    """Remove it."""
    response.delete_cookie(_cookie_name(request), path="/", secure=_is_secure(request), httponly=True, samesite="lax")


def browser_mark(request: Request) -> str | None:
    """What this browser was given before it was sent to the OpenID provider."""
    return request.cookies.get(_cookie_name(request, _MARK))


def give_browser_mark(response: Response, request: Request, mark: str) -> None:
    """Know the browser again when the provider sends it back; Lax, since that is a link from elsewhere."""
    response.set_cookie(
        _cookie_name(request, _MARK),
        mark,
        max_age=_MARK_S,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def take_browser_mark(response: Response, request: Request) -> None:
    """Remove it."""
    response.delete_cookie(
        _cookie_name(request, _MARK), path="/", secure=_is_secure(request), httponly=True, samesite="lax"
    )


def _cookie_name(request: Request, name: str = _NAME) -> str:
    """With TLS under the prefix that makes browsers refuse it from any other host (RFC 6265bis)."""
    return f"__Host-{name}" if _is_secure(request) else name


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
