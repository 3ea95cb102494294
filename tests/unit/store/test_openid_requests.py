"""An attempt to sign in elsewhere counts once, in the browser that began it, and not for long."""

import pytest

from appliance.store.engine import Ledger
from appliance.store.openid_requests import OpenIdRequest, OpenIdRequests
from tests.unit.store.conftest import Clock

BEGUN = OpenIdRequest(
    state_sha256="state",
    browser_sha256="browser",
    nonce="nonce",
    verifier="verifier",
    redirect_uri="https://here/back",
    wanted="/account",
)


@pytest.fixture
def requests(ledger: Ledger, clock: Clock) -> OpenIdRequests:
    found = OpenIdRequests(ledger, clock)
    found.begin(BEGUN)
    return found


def test_it_is_taken_once(requests: OpenIdRequests) -> None:
    assert requests.take("state", "browser") == BEGUN
    assert requests.take("state", "browser") is None


def test_another_browser_gets_nothing_and_spoils_nothing(requests: OpenIdRequests) -> None:
    assert requests.take("state", "another") is None
    assert requests.take("another", "browser") is None
    assert requests.take("state", "browser") == BEGUN


def test_after_ten_minutes_it_is_forgotten(requests: OpenIdRequests, clock: Clock) -> None:
    clock.pass_by(minutes=10)
    assert requests.take("state", "browser") is None
