"""The page of the worklist: who sees what, in which order, by which filters, and what claiming does."""

import re
from datetime import timedelta

import pytest

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.audit import AuditKind
from appliance.domain.workitem import Priority
from appliance.store.audit_trail import AuditQuery
from tests.helpers.people import Browser
from tests.helpers.worklist import Ward, absent, present
from tests.unit.web.conftest import SignedIn


@pytest.fixture
def ward(node: Appliance) -> Ward:
    return Ward(node)


@pytest.fixture
def browser(signed_in: SignedIn) -> Browser:
    """Of a radiologist."""
    return signed_in(UserRole.RADIOLOGIST)


def names(page: str) -> list[str]:
    """Of the patients on a page, from top to bottom."""
    return re.findall(r'class="open" href="[^"]*">([^<]*)<', page)


def test_lines_stand_by_urgency_then_finding_then_waiting(browser: Browser, ward: Ward) -> None:
    for name, ago, findings, priority in (
        ("NEW^N", 1, [absent()], Priority.MEDIUM),
        ("OLD^O", 9, [absent()], Priority.MEDIUM),
        ("POSITIVE^P", 0, [present()], Priority.MEDIUM),
        ("STAT^S", 0, [absent()], Priority.HIGH),
        ("LOW^L", 99, [present()], Priority.LOW),
    ):
        ward.done(ward.arrive(ago=timedelta(minutes=ago), PatientName=name), *findings, priority=priority)
    assert names(browser.get("/worklist").text) == ["STAT, S", "POSITIVE, P", "OLD, O", "NEW, N", "LOW, L"]


def test_a_line_says_patient_study_status_and_finding_in_the_language_of_the_reader(
    browser: Browser, ward: Ward
) -> None:
    study = ward.arrive(
        PatientName="MÜLLER^ÄNNE",
        PatientID="77-12",
        PatientSex="F",
        PatientBirthDate="19580302",
        StudyDate="20260304",
        StudyDescription="CT chest",
        AccessionNumber="A-17",
    )
    ward.done(study, present(), absent())
    english = browser.get("/worklist").text
    for text in ("MÜLLER, ÄNNE", "77-12", "female", "68 years", "2 Mar 1958", "CT chest", "A-17", "4 Mar 2026"):
        assert text in english, text
    assert ">Finding<" in english
    assert "Pleural effusion: " in english
    assert f'href="/viewer?StudyInstanceUIDs={study}"' in english
    browser.post("/account/appearance", language="de", theme="dark")
    german = browser.get("/worklist").text
    for text in ("weiblich", "68 Jahre", "02.03.1958", ">Fund<", "2 Bilder", "Zu befunden"):
        assert text in german, text


def test_what_the_images_say_cannot_write_into_the_page(browser: Browser, ward: Ward) -> None:
    ward.arrive(PatientName="<script>alert(1)</script>", StudyDescription='"><img src=x>')
    page = browser.get("/worklist").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_who_may_not_see_patients_sees_none_and_finds_none(signed_in: SignedIn, ward: Ward) -> None:
    ward.arrive(
        PatientName="SECRET^SALLY", PatientID="ID99", PatientBirthDate="19700101", AccessionNumber="ACC1",
        StudyDescription="Chest",
    )  # fmt: skip
    lead = signed_in(UserRole.AI_LEAD)
    for query in ("", "?q=chest"):
        page = lead.get(f"/worklist{query}").text
        assert "Patient not shown" in page
        for secret in ("SECRET", "SALLY", "ID99", "1970", "ACC1"):
            assert secret not in page
    for secret in ("secret", "id99", "acc1"):
        assert names(lead.get(f"/worklist?q={secret}").text) == []


def test_searching_finds_the_beginnings_of_words_whatever_their_case_and_accents(browser: Browser, ward: Ward) -> None:
    ward.arrive(PatientName="MÜLLER-LÜDENSCHEIDT^ÄNNE", PatientID="77-12", AccessionNumber="A.17")
    ward.arrive(PatientName="OTHER^ONE", PatientID="5")
    for words in ("mull", "Müller", "luden anne", "7712", "77-12", "a17", "mullerludenscheidt"):
        assert names(browser.get("/worklist", params={"q": words}).text) == ["MÜLLER-LÜDENSCHEIDT, ÄNNE"], words
    assert names(browser.get("/worklist", params={"q": "mull other"}).text) == []


def test_filters_narrow_the_list(browser: Browser, ward: Ward) -> None:
    ward.done(ward.arrive(PatientName="A", Modality="CT"), present())
    ward.done(ward.arrive(PatientName="B", Modality=["CT", "PT"], series=2, ago=timedelta(days=2)), absent())
    ward.arrive(PatientName="C", Modality="MR", ago=timedelta(days=8))
    for query, found in (
        ("modality=PT", ["B"]),
        ("modality=CT", ["A", "B"]),
        ("modality=P", []),
        ("status=positive", ["A"]),
        ("status=pending", ["C"]),
        ("days=1", ["A"]),
        ("days=3", ["A", "B"]),
        ("priority=HIGH", []),
        ("priority=&status=&modality=&days=0&q=", ["A", "C", "B"]),
        ("shown=done", []),
        ("mine=1", []),
    ):
        assert names(browser.get(f"/worklist?{query}").text) == found, query


@pytest.mark.parametrize("query", ["shown=x", "status=x", "days=-1", "days=99999999", "modality=%00", "mine=x"])
def test_a_filter_that_means_nothing_is_refused(browser: Browser, query: str) -> None:
    assert browser.get(f"/worklist?{query}").status_code == 422


@pytest.mark.parametrize("cursor", ["x", "AAAA", "W10", "WzEsMSwieCIsIjEiXQ", "%00"])
def test_a_cursor_that_is_none_is_refused(browser: Browser, cursor: str) -> None:
    assert browser.get(f"/worklist?after={cursor}").status_code in (400, 422)


def test_pages_follow_each_other_without_gap_or_double(
    browser: Browser, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.web.pages.worklist.PAGE_LINES", 3)
    for number in range(8):
        ward.arrive(PatientName=f"P{number}", ago=timedelta(minutes=number % 3))
    seen: list[str] = []
    address = "/worklist"
    for _ in range(3):
        page = browser.get(address).text
        seen += names(page)
        following = re.search(r'rel="next" href="([^"]*)"', page)
        address = following.group(1).replace("&amp;", "&") if following else ""
    assert address == ""
    assert sorted(seen) == [f"P{number}" for number in range(8)]


def test_a_claim_is_seen_by_everybody_and_can_be_released(
    browser: Browser, signed_in: SignedIn, ward: Ward, node: Appliance
) -> None:
    study = ward.arrive()
    ward.keep()
    assert browser.post("/worklist/claim", study=study).headers["Location"] == "/worklist?"
    assert "You are reading" in browser.get("/worklist").text
    assert "radiologist is reading" in signed_in(UserRole.PACS_ADMIN).get("/worklist").text
    assert names(browser.get("/worklist?mine=1").text) == ["DOE, JANE"]
    browser.post("/worklist/release", study=study, back="mine=1")
    assert "is reading" not in signed_in(UserRole.PACS_ADMIN).get("/worklist").text
    kinds = [record.kind for record in node.audit.search(AuditQuery(study_instance_uid=study), 10)]
    assert kinds == [AuditKind.STUDY_RELEASED, AuditKind.STUDY_CLAIMED]


def test_what_is_read_leaves_the_list_and_stands_under_read(browser: Browser, ward: Ward) -> None:
    study = ward.arrive()
    ward.keep()
    browser.post("/worklist/claim", study=study)
    browser.post("/worklist/complete", study=study)
    assert names(browser.get("/worklist").text) == []
    assert "Read by radiologist" in browser.get("/worklist?shown=done").text


def test_what_somebody_else_reads_cannot_be_claimed_released_or_finished(
    browser: Browser, node: Appliance, ward: Ward, app: object
) -> None:
    from tests.helpers.people import add_user

    add_user(node, "second")
    other = Browser(app)
    other.sign_in("second")
    study = ward.arrive()
    ward.keep()
    browser.post("/worklist/claim", study=study)
    for what in ("claim", "release", "complete"):
        answer = other.request(
            "POST", f"/worklist/{what}", data={"study": study}, headers={"Accept": "application/json"}
        )
        assert answer.status_code == 409
        assert answer.json()["type"] == "about:blank#worklist-claimed"


def test_a_reading_that_nobody_claimed_or_knows_is_refused(browser: Browser, ward: Ward) -> None:
    study = ward.arrive()
    ward.keep()
    assert browser.post("/worklist/release", study=study).status_code == 409
    assert browser.post("/worklist/claim", study="9.9.9").status_code == 404


def test_views_are_kept_for_oneself_and_cannot_lead_elsewhere(browser: Browser, signed_in: SignedIn) -> None:
    answer = browser.post("/worklist/views", name="Night <b>", query="modality=CT&priority=HIGH\r\nX: y")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/worklist?modality=CT&priority=HIGH")
    assert "Night &lt;b&gt;" in browser.get("/worklist").text
    assert "Night" not in signed_in(UserRole.PACS_ADMIN).get("/worklist").text
    browser.post("/worklist/views/forget", name="Night <b>")
    assert "Night" not in browser.get("/worklist").text


def test_a_view_without_a_name_is_refused(browser: Browser) -> None:
    assert browser.post("/worklist/views", name=" ", query="").status_code == 422


def test_looking_stands_in_the_trail_without_what_was_searched(browser: Browser, node: Appliance) -> None:
    browser.get("/worklist?q=mustermann&modality=CT")
    (record,) = node.audit.search(AuditQuery(kind=AuditKind.STUDIES_SEARCHED), 10)
    assert dict(record.detail) == {"modality": "CT", "q": "…"}


def test_the_stream_answers_only_who_asks_for_one(browser: Browser) -> None:
    assert browser.get("/worklist/stream").status_code == 406
