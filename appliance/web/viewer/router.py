"""The addresses of the viewer. Who may not see images does not get as far as its first file."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.params import Depends
from starlette.responses import HTMLResponse, Response

from appliance.domain.access import Permission
from appliance.domain.errors import PageUnknown
from appliance.settings import ViewerSettings
from appliance.web.security.guard import Guard, requires
from appliance.web.security.visitor import Visitor
from appliance.web.viewer import start
from appliance.web.viewer.files import ViewerFiles
from appliance.web.viewer.policy import POLICY

Reader = Annotated[Visitor, requires(Permission.DICOM_READ)]


class FileDoor(Guard):
    """Lets pass who may see images, to files that there are; of others it says so before it asks who wants them."""

    def __init__(self, files: ViewerFiles, folder: str) -> None:
        super().__init__(Permission.DICOM_READ)
        self._files = files
        self._folder = folder

    @property
    def names(self) -> tuple[str, ...]:
        """The files behind it."""
        return self._files.names_in(self._folder)

    async def __call__(self, request: Request) -> Visitor:
        """Who asks. Raises PageUnknown, or as the guard does."""
        if self._folder + request.path_params["name"] not in self._files:
            raise PageUnknown(where=request.url.path)
        return await super().__call__(request)


def viewer_router(settings: ViewerSettings, files: ViewerFiles) -> APIRouter:
    """The viewer; to be included after everything else, since its files lie at the root."""
    router = APIRouter(include_in_schema=False)
    configuration = start.configuration(settings)

    @router.get("/viewer")
    def viewer(visitor: Reader) -> Response:
        return HTMLResponse(start.page(files.bundle), headers={"Content-Security-Policy": POLICY})

    @router.get(f"/{start.CONFIGURATION}")
    def app_config(visitor: Reader) -> Response:
        return Response(configuration, media_type="text/javascript")

    for folder in ("", "assets/", "assets/images/"):

        @router.get(f"/{folder}{{name}}", dependencies=[Depends(FileDoor(files, folder))])
        def file(request: Request, name: str, folder: str = folder) -> Response:
            return files.answer(request, folder + name)

    return router
