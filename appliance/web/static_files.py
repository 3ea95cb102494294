"""Our own style sheet, script and pictures, and the libraries from npm: nothing in them is secret."""

from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from appliance.web.shell import STATIC

STATIC_PATH = "/static"
_KEPT = "public, max-age=31536000, immutable"


class VersionedFiles(StaticFiles):
    """Files whose addresses carry a version may be kept for good; others are asked for anew."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or starlette's answer that there is none."""
        response = await super().get_response(path, scope)
        headers: Any = MutableHeaders(raw=response.raw_headers)
        headers["Cache-Control"] = _KEPT if b"v=" in scope["query_string"] else "no-cache"
        return response
