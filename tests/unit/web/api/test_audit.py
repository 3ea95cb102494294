"""The trail over the API: searched, paged without gap, and the search itself stands in it."""

import pytest

from appliance.domain.access import UserRole
from appliance.domain.audit import AuditKind
from tests.helpers.people import Browser
from tests.unit.web.conftest import SignedIn

AUDIT = "/api/v1/audit"


@pytest.fixture
def auditor(signed_in: SignedIn) -> Browser:
    return signed_in(UserRole.AUDITOR)


def test_events_come_with_the_codes_of_the_standard(auditor: Browser) -> None:
    event = auditor.get(f"{AUDIT}?kind=signed-in").json()["items"][0]
    assert (event["actor"], event["address"]) == ("auditor", "192.0.2.7")
    assert event["event"] == {"value": "110114", "meaning": "User Authentication"}
    assert event["event_type"] == {"value": "110122", "meaning": "Login"}
    assert (event["action"], event["outcome"]) == ("E", "0")


def test_pages_follow_each_other_to_the_end(auditor: Browser) -> None:
    numbers: list[int] = []
    after = ""
    for _ in range(10):
        page = auditor.get(f"{AUDIT}?limit=2&kind=account-created{after}").json()
        numbers += [event["number"] for event in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) == len(UserRole)


def test_reading_is_recorded_with_what_was_looked_for(auditor: Browser) -> None:
    auditor.get(f"{AUDIT}?actor=pacs-admin")
    event = auditor.get(f"{AUDIT}?kind={AuditKind.AUDIT_READ}").json()["items"][1]
    assert (event["actor"], event["detail"]) == ("auditor", {"actor": "pacs-admin"})


def test_a_moment_without_a_zone_is_utc(auditor: Browser) -> None:
    assert auditor.get(f"{AUDIT}?until=2020-01-01T00:00:00").json() == {"items": [], "next": None}
    assert auditor.get(f"{AUDIT}?since=2020-01-01T00:00:00%2B01:00").json()["items"]


@pytest.mark.parametrize("query", ["kind=x", "limit=0", "limit=501", "after=x", "since=x", "actor=%00", "outcome=1"])
def test_what_is_not_understood_is_said(auditor: Browser, query: str) -> None:
    answer = auditor.get(f"{AUDIT}?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == f"query.{query.partition('=')[0]}"
