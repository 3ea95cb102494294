"""Coming in and going out: the set-up of the first account, signing in, signing out."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from appliance.domain.access import Permission
from appliance.domain.errors import AccessDenied, AccountError, ApplianceError, PageUnknown
from appliance.services.accounts.sessions import SignedIn
from appliance.web.node import Node
from appliance.web.openid.provider import OpenIdProvider
from appliance.web.pages.section import Section
from appliance.web.security.addresses import address_of
from appliance.web.security.cookies import give_session, session_identifier, take_session
from appliance.web.security.guard import open_to_all, requires
from appliance.web.security.visitor import Visitor, recognise
from appliance.web.shell import shell_of

router = APIRouter(include_in_schema=False)
SECTION = Section(router=router)

_Text = Annotated[str, Form(max_length=1000)]
_NOTHING_GIVEN = {"code": "", "name": "", "shown": ""}
_ENTRANCE = [open_to_all("whoever is not signed in begins here")]


@router.get("/", dependencies=_ENTRANCE)
def start(request: Request, node: Node) -> Response:
    """To the first page that the visitor may see."""
    if not node.first_account.is_made:
        return RedirectResponse("/setup", 303)
    return RedirectResponse(shell_of(request).home(recognise(request, node)), 303)


@router.get("/setup", dependencies=_ENTRANCE)
def setup(request: Request, node: Node) -> Response:
    """The form for the first account, while there is none."""
    _refuse_second_setup(request, node)
    return shell_of(request).page(request, "setup.html", error=None, given=_NOTHING_GIVEN)


@router.post("/setup", dependencies=_ENTRANCE)
def make_first_account(
    request: Request, node: Node, code: _Text, name: _Text, password: _Text, again: _Text, shown: _Text = ""
) -> Response:
    """Make the first account, and sign it in."""
    _refuse_second_setup(request, node)
    try:
        if password != again:
            raise AccountError("the two passwords differ")
        signed_in = node.first_account.make(
            code, name=name, shown=shown, password=password, address=address_of(request)
        )
    except (AccessDenied, AccountError) as error:
        return shell_of(request).page(
            request,
            "setup.html",
            status=error.http_status,
            error=error,
            given={"code": code, "name": name, "shown": shown},
        )
    return enter(request, node, signed_in, "")


def _refuse_second_setup(request: Request, node: Node) -> None:
    if node.first_account.is_made:
        raise PageUnknown(where=request.url.path)


@router.get("/login", dependencies=_ENTRANCE)
def login(request: Request, node: Node, next: str = "") -> Response:
    """The form to sign in with."""
    if not node.first_account.is_made:
        return RedirectResponse("/setup", 303)
    return login_page(request, next=next)


@router.post("/login", dependencies=_ENTRANCE)
def sign_in(request: Request, node: Node, name: _Text, password: _Text, next: Annotated[str, Form()] = "") -> Response:
    """Begin a session, in place of one that there may be."""
    try:
        signed_in = node.sign_in.with_password(name, password, address=address_of(request))
    except AccessDenied as error:
        return login_page(request, next=next, name=name, error=error)
    return enter(request, node, signed_in, next)


def login_page(request: Request, *, next: str = "", name: str = "", error: ApplianceError | None = None) -> Response:
    """The form to sign in with, and what went wrong before."""
    openid: OpenIdProvider | None = request.app.state.openid
    return shell_of(request).page(
        request,
        "login.html",
        status=error.http_status if error else 200,
        error=error,
        name=name,
        next=local(next),
        openid=openid.label if openid else None,
    )


def enter(request: Request, node: Node, signed_in: SignedIn, next: str) -> Response:
    """Give the session to the browser, end the one that it may have had, and go on."""
    if former := session_identifier(request):
        node.sign_in.forget(former)
    visitor = Visitor(user=signed_in.user, permissions=signed_in.user.permissions, address=address_of(request))
    response = RedirectResponse(local(next) or shell_of(request).home(visitor), 303)
    give_session(response, request, signed_in.identifier)
    return response


def local(address: str) -> str:
    """The address if it leads to a page of ours, else nothing: a link to us must not lead elsewhere."""
    parts = urlsplit(address)
    is_local = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_local and not parts.scheme and not parts.netloc else ""


@router.post("/logout")
def logout(request: Request, node: Node, visitor: Annotated[Visitor, requires(Permission.ACCOUNT)]) -> Response:
    """End the session."""
    if identifier := session_identifier(request):
        node.sign_in.out(identifier, visitor.user, address=visitor.address)
    response = RedirectResponse("/login", 303)
    take_session(response, request)
    return response
