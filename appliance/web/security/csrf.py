"""Requests that change something must come from our own pages.

Browsers say where a request comes from in headers that no page can set: `Sec-Fetch-Site`, and `Origin` where that is
missing (plain HTTP to another machine). What comes from elsewhere is refused, and so is what says nothing but carries
a cookie. A token in every form would add one thing to forget and nothing that these two and the SameSite cookie leave.
"""

from urllib.parse import urlsplit

from fastapi import Request

from appliance.domain.errors import RequestForged

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_forged(request: Request) -> None:
    """Raise RequestForged unless the request reads only, carries no cookie's power, or comes from our own pages."""
    if request.method in _SAFE_METHODS or "authorization" in request.headers:
        return
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise RequestForged
        return
    origin = request.headers.get("origin", "")
    if urlsplit(origin).netloc != request.headers.get("host", ""):
        raise RequestForged
