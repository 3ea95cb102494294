"""The cookie that holds a session: for this host only, out of reach for scripts.

SameSite is Lax, not Strict: a link from the PACS or a report system that opens a study must find the reader signed in.
Nothing is changed by GET, so that a link can do no harm.
"""

from fastapi import Request, Response

_NAME = "appliance-session"


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


def _cookie_name(request: Request) -> str:
    """With TLS under the prefix that makes browsers refuse it from any other host (RFC 6265bis)."""
    return f"__Host-{_NAME}" if _is_secure(request) else _NAME


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
