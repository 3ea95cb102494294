"""One's own account: appearance, password, tokens, where one is signed in."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from appliance.domain.access import Permission
from appliance.domain.errors import AccessDenied, AccountError, ApplianceError
from appliance.services.accounts.tokens import LONGEST_DAYS, IssuedToken, grantable
from appliance.web.i18n import translatable
from appliance.web.node import Node
from appliance.web.pages.section import Section
from appliance.web.security.guard import requires
from appliance.web.security.visitor import Visitor
from appliance.web.shell import NavEntry, shell_of

router = APIRouter(prefix="/account", include_in_schema=False)
SECTION = Section(
    router=router,
    entries=(NavEntry(path="/account", label=translatable("Account"), permission=Permission.ACCOUNT),),
)

Owner = Annotated[Visitor, requires(Permission.ACCOUNT)]
_Text = Annotated[str, Form(max_length=1000)]
_DONE = {
    "password": translatable("The password is changed. Every other session has ended."),
    "appearance": translatable("Language and theme are changed."),
    "token": translatable("The token is revoked."),
    "sessions": translatable("Every other session has ended."),
}


@router.get("")
def account(request: Request, node: Node, visitor: Owner, done: str = "") -> Response:
    """The page."""
    return _page(request, node, visitor, done=_DONE.get(done, ""))


@router.post("/password")
def change_password(request: Request, node: Node, visitor: Owner, old: _Text, new: _Text, again: _Text) -> Response:
    """Another password."""
    keep = visitor.session.id_sha256 if visitor.session else None
    try:
        if new != again:
            raise AccountError("the two passwords differ")
        node.account_desk.change_own_password(visitor.user, old, new, keep_session=keep, actor=visitor.actor)
    except AccountError as error:
        return _page(request, node, visitor, error=error, at="password")
    return RedirectResponse("/account?done=password", 303)


@router.post("/appearance")
def change_appearance(
    node: Node,
    visitor: Owner,
    language: Annotated[Literal["", "en", "de"], Form()],
    theme: Annotated[Literal["auto", "light", "dark"], Form()],
) -> Response:
    """Language and theme."""
    node.users.set_appearance(visitor.user.name, language=language, theme=theme)
    return RedirectResponse("/account?done=appearance", 303)


@router.post("/theme", status_code=204)
def change_theme(node: Node, visitor: Owner, theme: Annotated[Literal["auto", "light", "dark"], Form()]) -> Response:
    """The theme alone, from the switch on every page, which has changed it already."""
    node.users.set_appearance(visitor.user.name, theme=theme)
    return Response(status_code=204)


@router.post("/tokens")
def issue_token(
    request: Request,
    node: Node,
    visitor: Owner,
    label: _Text,
    days: Annotated[int, Form()],
    permissions: Annotated[list[Permission], Form()] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """A new token, shown on the page that answers and never again."""
    try:
        issued = node.token_desk.issue(
            visitor.user, label=label, permissions=permissions, days=days, actor=visitor.actor
        )
    except (AccountError, AccessDenied) as error:
        return _page(request, node, visitor, error=error, at="tokens")
    return _page(request, node, visitor, issued=issued)


@router.post("/tokens/{number}/revoke")
def revoke_token(node: Node, visitor: Owner, number: str) -> Response:
    """Revoke one of one's own tokens."""
    node.token_desk.revoke(visitor.user.name, number, actor=visitor.actor)
    return RedirectResponse("/account?done=token", 303)


@router.post("/sessions/end")
def end_other_sessions(node: Node, visitor: Owner) -> Response:
    """Sign out everywhere else."""
    keep = visitor.session.id_sha256 if visitor.session else ""
    node.web_sessions.end_others(visitor.user.name, keep)
    return RedirectResponse("/account?done=sessions", 303)


def _page(
    request: Request,
    node: Node,
    visitor: Visitor,
    *,
    done: str = "",
    error: ApplianceError | None = None,
    at: str = "",
    issued: IssuedToken | None = None,
) -> Response:
    return shell_of(request).page(
        request,
        "account.html",
        visitor=visitor,
        status=error.http_status if error else 200,
        done=done,
        error=error,
        at=at,
        issued=issued,
        tokens=node.api_tokens.of_user(visitor.user.name),
        sessions=node.web_sessions.of_user(visitor.user.name),
        permissions=sorted(grantable(visitor.user)),
        longest_days=LONGEST_DAYS,
    )
