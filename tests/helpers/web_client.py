"""Requests to an ASGI application without a server: httpx over its ASGI transport, one request at a time."""

import asyncio
from typing import Any

import httpx


class WebClient:
    """Sends requests to `app`. An iterator as content is sent in chunks, without a Content-Length."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request and its answer."""
        return asyncio.run(self._request(method, path, options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **options)

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://appliance") as client:
            return await client.request(method, path, **options)
