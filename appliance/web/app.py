"""The web service, assembled: pages and API behind their doors, and what the node asks of its own service."""

import atexit
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI

from appliance import __version__
from appliance.bootstrap import Appliance
from appliance.logs import configure_logs
from appliance.services.presence import Presence
from appliance.settings import SecretName, load_settings
from appliance.web.api import api_router
from appliance.web.dicomweb.access import AccessNotes
from appliance.web.dicomweb.proxy import orthanc_client
from appliance.web.dicomweb.router import dicomweb_router
from appliance.web.internal import Receiver, internal_router
from appliance.web.openid.provider import OpenIdProvider
from appliance.web.pages import SECTIONS
from appliance.web.problems import add_error_answers
from appliance.web.queue import AnnouncementQueue
from appliance.web.readiness import Check, checks
from appliance.web.security.guard import refuse_unguarded
from appliance.web.security.headers import SecurityHeaders
from appliance.web.shell import Shell
from appliance.web.static_files import STATIC_PATH, VersionedFiles
from appliance.web.viewer.files import ViewerFiles
from appliance.web.viewer.link_routes import links_router
from appliance.web.viewer.links import StudyFinder
from appliance.web.viewer.router import viewer_router
from appliance.web.worklist.rows import Rows
from appliance.web.worklist.watcher import Watcher

MOST_BYTES = 2_000_000
"""Of a body, unless a route bounds its own: forms are read before it is known who sent them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Internals:
    """What the node asks of its own service. components: what /ready asks."""

    receiver: Receiver
    components: Mapping[str, Check]
    token: str


def create_app() -> FastAPI:
    """The application as the supervisor starts it: with settings, queue and secrets of the node."""
    configure_logs()
    settings = load_settings()
    queue = AnnouncementQueue(settings)
    presence = Presence(settings.signs, "web")
    presence.start()
    atexit.register(presence.stop)
    token = settings.secrets.get(SecretName.ANNOUNCEMENTS)
    internals = Internals(receiver=queue, components=checks(settings, queue), token=token)
    return build_app(Appliance(settings), internals)


def build_app(node: Appliance, internals: Internals) -> FastAPI:
    """The application around its collaborators."""
    app = FastAPI(
        title="appliance",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        max_body_size=MOST_BYTES,
        redirect_slashes=False,
    )
    app.state.node = node
    app.state.openid = OpenIdProvider(node.settings) if node.settings.openid.issuer else None
    app.state.shell = shell = Shell([entry for section in SECTIONS for entry in section.entries])
    app.state.worklist_watcher = Watcher(node)
    app.state.worklist_rows = Rows(shell)
    app.add_middleware(SecurityHeaders)
    add_error_answers(app)
    app.include_router(internal_router(internals.receiver, internals.components, internals.token))
    orthanc = orthanc_client(node.settings)
    app.include_router(dicomweb_router(node, orthanc))
    app.include_router(api_router())
    for section in SECTIONS:
        app.include_router(section.router)
    app.mount(STATIC_PATH, VersionedFiles(), name="static")
    app.include_router(links_router(StudyFinder(orthanc), AccessNotes(lambda: node.audit)))
    app.include_router(viewer_router(node.settings.viewer, ViewerFiles()))
    refuse_unguarded(app.routes, mounts=[STATIC_PATH])
    return app
