"""The web service with accounts: an appliance in a folder, and browsers that people sit at."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.audit import Actor
from appliance.services.accounts.passwords import Passwords
from appliance.settings import Settings
from appliance.web.app import Internals, build_app

PASSWORD = "correct-horse-battery-staple"
TOKEN = "the-internal-token"
TEST = Actor(name="test")


class NoReceiver:
    """Takes no announcements."""

    def receive_instances(self, received: Mapping[str, float]) -> None:
        raise AssertionError("nothing is announced here")


def appliance_in(folder: Path, **settings: Any) -> Appliance:
    """An appliance with an empty ledger, whose passwords are quick to hash. Close it."""
    node = Appliance(Settings(home=folder, **settings))
    vars(node)["_passwords"] = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return node


def web_app(node: Appliance) -> FastAPI:
    """The web service around an appliance."""
    return build_app(node, Internals(receiver=NoReceiver(), components={}, token=TOKEN))


def add_user(node: Appliance, name: str, *roles: UserRole) -> None:
    """An account with the password PASSWORD."""
    node.account_desk.add(name, roles=roles or (UserRole.RADIOLOGIST,), password=PASSWORD, actor=TEST)


def add_one_of_each_role(node: Appliance) -> None:
    """Accounts that are named as their roles; the administrator is first."""
    for role in (UserRole.PACS_ADMIN, *(set(UserRole) - {UserRole.PACS_ADMIN})):
        add_user(node, str(role), role)


class Browser:
    """Keeps cookies, and says as browsers do that its requests come from our own pages."""

    def __init__(self, app: Any, *, scheme: str = "http", address: str = "192.0.2.7", language: str = "en") -> None:
        self._app = app
        self._address = address
        self._origin = f"{scheme}://appliance"
        self.cookies = httpx.Cookies()
        self.headers = {"Accept": "text/html", "Accept-Language": language, "Sec-Fetch-Site": "same-origin"}

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET; redirects are not followed."""
        return self.request("GET", path, **options)

    def post(self, path: str, **data: Any) -> httpx.Response:
        """Send a form."""
        return self.request("POST", path, data=data)

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Send the form of the sign-in page."""
        return self.post("/login", name=name, password=password)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request with the cookies so far."""
        return asyncio.run(self._request(method, path, options))

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        headers = self.headers | options.pop("headers", {})
        transport = httpx.ASGITransport(self._app, client=(self._address, 1234), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=self._origin, cookies=self.cookies) as client:
            answer = await client.request(method, path, headers=headers, **options)
            self.cookies = client.cookies
            return answer


def bearer(app: Any, token: str) -> Browser:
    """A program with a token: no cookies, no browser's headers."""
    program = Browser(app)
    program.headers = {"Authorization": f"Bearer {token}"}
    return program
