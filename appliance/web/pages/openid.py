"""Signing in through the hospital's OpenID provider: there, and back again."""

import secrets

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from appliance.domain.errors import AccessDenied, AccountError, OpenIdRefused, OpenIdUnavailable, PageUnknown
from appliance.services.accounts.sessions import sha256_of
from appliance.store.openid_requests import OpenIdRequest
from appliance.web.node import Node
from appliance.web.openid.provider import OpenIdProvider
from appliance.web.openid.provider import Request as ProviderRequest
from appliance.web.pages.entrance import enter, local, login_page
from appliance.web.pages.section import Section
from appliance.web.security.addresses import address_of
from appliance.web.security.cookies import browser_mark, give_browser_mark, take_browser_mark
from appliance.web.security.guard import open_to_all

router = APIRouter(prefix="/login/openid", include_in_schema=False)
SECTION = Section(router=router)

_ENTRANCE = [open_to_all("whoever is not signed in begins here")]


@router.get("", dependencies=_ENTRANCE)
def leave(request: Request, node: Node, next: str = "") -> Response:
    """To the provider."""
    provider = _provider(request, node)
    attempt = ProviderRequest(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        redirect_uri=str(request.url_for("come_back")),
    )
    try:
        response = RedirectResponse(provider.address(attempt), 303)
    except (OpenIdRefused, OpenIdUnavailable) as error:
        return login_page(request, next=next, error=error)
    mark = secrets.token_urlsafe(32)
    node.openid_requests.begin(
        OpenIdRequest(
            state_sha256=sha256_of(attempt.state),
            browser_sha256=sha256_of(mark),
            nonce=attempt.nonce,
            verifier=attempt.verifier,
            redirect_uri=attempt.redirect_uri,
            wanted=local(next),
        )
    )
    give_browser_mark(response, request, mark)
    return response


@router.get("/back", dependencies=_ENTRANCE)
def come_back(request: Request, node: Node, state: str = "") -> Response:
    """From the provider, with a code or a refusal."""
    provider = _provider(request, node)
    begun = node.openid_requests.take(sha256_of(state), sha256_of(browser_mark(request) or ""))
    try:
        if begun is None:
            raise OpenIdRefused("this was not begun here, or too long ago")
        attempt = ProviderRequest(
            state=state, nonce=begun.nonce, verifier=begun.verifier, redirect_uri=begun.redirect_uri
        )
        claims = provider.claims(attempt, f"{begun.redirect_uri}?{request.url.query}")
        address = address_of(request)
        user = node.foreign_accounts.account_for(claims, address=address)
        response = enter(request, node, node.sign_in.begin(user, address=address), begun.wanted)
    except (AccessDenied, AccountError, OpenIdUnavailable) as error:
        response = login_page(request, error=error)
    take_browser_mark(response, request)
    return response


def _provider(request: Request, node: Node) -> OpenIdProvider:
    provider: OpenIdProvider | None = request.app.state.openid
    if provider is None or not node.first_account.is_made:
        raise PageUnknown(where=request.url.path)
    return provider
