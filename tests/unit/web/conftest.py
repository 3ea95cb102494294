"""The web service around an appliance with one account of each role."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from tests.helpers.people import Browser, add_one_of_each_role, appliance_in, web_app

SignedIn = Callable[[UserRole], Browser]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Appliance]:
    opened = appliance_in(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def app(node: Appliance) -> FastAPI:
    add_one_of_each_role(node)
    return web_app(node)


@pytest.fixture
def browser(app: FastAPI) -> Browser:
    """Of somebody who is not signed in."""
    return Browser(app)


@pytest.fixture
def signed_in(app: FastAPI) -> SignedIn:
    """A browser in which somebody of that role is signed in."""

    def sign_in(role: UserRole) -> Browser:
        browser = Browser(app)
        assert browser.sign_in(str(role)).status_code == 303
        return browser

    return sign_in
