"""Every route of the service, as everybody: it opens to those whom its door names, and to nobody else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from appliance.bootstrap import Appliance
from appliance.domain.access import PERMISSIONS, Permission, UserRole
from appliance.services.accounts.tokens import grantable
from appliance.web.dicomweb.router import UploadDoor
from appliance.web.security.guard import Door, Guard, OpenDoor, doors_of
from appliance.web.security.internal_token import InternalToken
from appliance.web.static_files import STATIC_PATH
from appliance.web.viewer.router import FileDoor
from tests.helpers.people import TEST, TOKEN, Browser, bearer
from tests.unit.web.conftest import SignedIn

OPEN = {
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/openid"),
    ("GET", "/login/openid/back"),
    ("GET", "/setup"),
    ("POST", "/setup"),
}
INTERNAL = {("GET", "/ready"), ("POST", "/internal/announcements")}


@dataclass(frozen=True)
class Way:
    """One method of one route."""

    method: str
    path: str
    door: Door

    @property
    def name(self) -> tuple[str, str]:
        return self.method, self.path

    def send(self, browser: Browser) -> int | str:
        """What comes of it: "sign in", or a status."""
        value = self.door.names[0] if isinstance(self.door, FileDoor) and self.door.names else "1.2.3"
        answer = browser.request(self.method, re.sub(r"\{.*?\}", value, self.path))
        is_sent_away = answer.status_code == 303 and answer.headers["Location"].startswith("/login")
        is_sent_away &= "Set-Cookie" not in answer.headers  # which is how signing out answers
        return "sign in" if is_sent_away or answer.status_code == 401 else answer.status_code


def ways(app: FastAPI) -> Iterator[Way]:
    """Signing out comes last, since whoever walks is out then."""
    found = [
        Way(method, str(route.path), door)
        for route in iter_route_contexts(app.routes)
        for door in doors_of(route)
        for method in route.methods or ()
        if not isinstance(door, FileDoor) or door.names  # a folder that was not brought in answers nobody
    ]
    yield from sorted(found, key=lambda way: (way.path == "/logout", way.path, way.method))


def allowed(way: Way, permissions: frozenset[Permission]) -> bool:
    """What the declaration says of somebody who is known and has these permissions."""
    if isinstance(way.door, Guard | UploadDoor):
        return way.door.permission is None or way.door.permission in permissions
    return isinstance(way.door, OpenDoor)


def test_only_what_is_listed_is_open_to_nobody_in_particular(app: FastAPI) -> None:
    doors = {way.name: way.door for way in ways(app)}
    assert {name for name, door in doors.items() if isinstance(door, OpenDoor)} == OPEN
    assert {name for name, door in doors.items() if isinstance(door, InternalToken)} == INTERNAL
    assert len(doors) > 25


def test_every_path_is_a_route_with_one_door_or_the_static_files(app: FastAPI) -> None:
    contexts = list(iter_route_contexts(app.routes))
    assert {str(route.path) for route in contexts if not doors_of(route)} == {STATIC_PATH}
    assert all(len(doors_of(route)) == 1 for route in contexts if route.path != STATIC_PATH)


def test_nobody_gets_through_a_door_that_is_not_open(app: FastAPI) -> None:
    got = {way.name: way.send(Browser(app)) for way in ways(app) if way.name not in OPEN}
    assert {name: what for name, what in got.items() if what != "sign in"} == {}


def test_nobody_learns_from_an_open_door_more_than_that_it_is_there(app: FastAPI, node: Appliance) -> None:
    for method, path in sorted(OPEN):
        answer = Browser(app).request(method, path)
        assert all(name not in answer.text for name in ("pacs-admin", "radiologist")), path


@pytest.mark.parametrize("role", UserRole)
def test_each_role_gets_through_its_doors_and_no_other(app: FastAPI, signed_in: SignedIn, role: UserRole) -> None:
    browser = signed_in(role)
    wrong = {}
    for way in ways(app):
        got = way.send(browser)
        shut = "sign in" if isinstance(way.door, InternalToken) else 403
        is_right = got not in (403, "sign in") if allowed(way, PERMISSIONS[role]) else got == shut
        if not is_right and way.name not in OPEN:
            wrong[way.name] = got
    assert wrong == {}


@pytest.mark.parametrize("narrow", [True, False])
def test_a_token_gets_through_the_doors_that_it_was_made_for(app: FastAPI, node: Appliance, narrow: bool) -> None:
    owner = node.users.get("pacs-admin")
    permissions = frozenset({Permission.STUDIES_READ}) if narrow else grantable(owner)
    secret = node.token_desk.issue(owner, label="x", permissions=permissions, days=1, actor=TEST).secret
    wrong = {}
    for way in ways(app):
        got = way.send(bearer(app, secret))
        shut = "sign in" if isinstance(way.door, InternalToken) else 403
        is_right = got not in (403, "sign in") if allowed(way, permissions) else got == shut
        if not is_right and way.name not in OPEN:
            wrong[way.name] = got
    assert wrong == {}


def test_the_token_of_announcements_opens_nothing_for_people(app: FastAPI) -> None:
    got = {way.name: way.send(bearer(app, TOKEN)) for way in ways(app) if way.name not in OPEN | INTERNAL}
    assert {name: what for name, what in got.items() if what != "sign in"} == {}


@pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND", "HEAD", "OPTIONS"])
def test_other_methods_open_nothing(app: FastAPI, method: str) -> None:
    known = {way.name for way in ways(app)}
    for path in sorted({way.path for way in ways(app)}):
        if (method, path) not in known:
            answer = Browser(app).request(method, path.replace("{", "").replace("}", ""))
            assert answer.status_code in (401, 404, 405), (method, path)
