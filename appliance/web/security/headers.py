"""Headers of every answer. Pages may load what we serve ourselves and nothing else; anything else may load nothing."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
_EVERYWHERE = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}
_YEAR_S = 31_536_000


class SecurityHeaders:
    """Adds what an answer does not say itself; so a route with other needs states its own policy, all of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add headers where the answer starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), scope["scheme"])
            await send(message)

        await self._app(scope, receive, add)


def add_headers(headers: MutableHeaders, scheme: str) -> None:
    """What an answer does not say itself; for answers that are made outside of all middleware, too."""
    for name, value in _defaults(headers.get("content-type", ""), scheme).items():
        headers.setdefault(name, value)


def _defaults(content_type: str, scheme: str) -> dict[str, str]:
    is_page = content_type.startswith("text/html")
    return _EVERYWHERE | {
        "Cache-Control": "no-store",
        "Content-Security-Policy": PAGE_POLICY if is_page else _DATA_POLICY,
        # with "no-referrer" a browser would hide from ourselves where our own forms come from (Fetch, "origin" header)
        "Referrer-Policy": "same-origin" if is_page else "no-referrer",
        **({"Cross-Origin-Opener-Policy": "same-origin"} if is_page else {}),
        **({"Strict-Transport-Security": f"max-age={_YEAR_S}"} if scheme == "https" else {}),
    }
