"""The files of OHIF's build, as `packaging/npm/fetch.sh` has brought them.

The build expects to lie at the root, where it shares the place with our own pages: only names that are in the folder
are answered, and after every other route.
"""

import mimetypes
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from fastapi import Request
from starlette.responses import FileResponse, Response

from appliance.domain.errors import PageUnknown, ViewerMissing
from appliance.web.viewer.policy import POLICY

FOLDER = Path(__file__).with_name("dist")
_HASHED = re.compile(r"\.?[0-9a-f]{16}\.(js|wasm|woff2)$")
_COMPRESSED = ".gz"


class ViewerFiles:
    """What is in the folder when it is first asked for."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        found = (path for path in self._folder.rglob("*") if path.is_file())
        return {path.relative_to(self._folder).as_posix(): path for path in found}

    def __contains__(self, name: str) -> bool:
        return name in self._files and name != "index.html" and not name.endswith(_COMPRESSED)

    def names_in(self, folder: str) -> tuple[str, ...]:
        """The files that lie directly in a folder ("" or with a slash at its end), as they are asked for."""
        found = (name.removeprefix(folder) for name in self._files if name.startswith(folder) and name in self)
        return tuple(sorted(name for name in found if "/" not in name))

    @cached_property
    def bundle(self) -> str:
        """Name of the script that begins everything. Raises ViewerMissing."""
        begins = re.compile(r"app\.bundle\.[0-9a-f]+\.js")
        for name in self._files:
            if begins.fullmatch(name):
                return name
        raise ViewerMissing

    def answer(self, request: Request, name: str) -> Response:
        """The file; compressed, where the browser takes that and set-up has made it. Raises PageUnknown."""
        if name not in self:
            raise PageUnknown(where=f"/{name}")
        file = self._files[name]
        headers = {"Content-Security-Policy": POLICY, "Vary": "Accept-Encoding, Cookie"}
        is_kept = _HASHED.search(name) or "v" in request.query_params
        headers["Cache-Control"] = "private, max-age=31536000, immutable" if is_kept else "private, no-cache"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if f"{name}{_COMPRESSED}" in self._files and "gzip" in request.headers.get("accept-encoding", ""):
            file = self._files[f"{name}{_COMPRESSED}"]
            headers["Content-Encoding"] = "gzip"
        return FileResponse(file, headers=headers, media_type=kind)
