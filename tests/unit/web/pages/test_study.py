"""The page of a study: who sees what, what stands in the trail, and what an address gives."""

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI

from appliance.bootstrap import Appliance
from appliance.domain.access import UserRole
from appliance.domain.audit import AuditKind
from appliance.domain.identifiers import StudyInstanceUID
from appliance.store.audit_trail import AuditQuery
from tests.helpers.people import Browser, add_one_of_each_role, web_app
from tests.helpers.received import analysed

Received = tuple[Appliance, StudyInstanceUID, FastAPI]
SignIn = Callable[[UserRole], Browser]


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Received]:
    node, study = analysed(tmp_path_factory.mktemp("home"))
    add_one_of_each_role(node)
    yield node, study, web_app(node)
    node.close()


@pytest.fixture
def signed_in(received: Received) -> SignIn:
    def sign_in(role: UserRole) -> Browser:
        browser = Browser(received[2])
        assert browser.sign_in(str(role)).status_code == 303
        return browser

    return sign_in


def test_a_radiologist_reads_who_it_is_what_was_found_and_that_nobody_checked_it(
    received: Received, signed_in: SignIn
) -> None:
    text = signed_in(UserRole.RADIOLOGIST).get(f"/studies/{received[1]}").text
    for said in ("Phantom, Blob", "CT abdomen", "Voxels above 200", "AI, not verified", "Volume: ", "Report"):
        assert said in text, said
    assert len(text.encode()) < 100_000


def test_who_may_not_see_patients_sees_the_findings_without_name_and_images(
    received: Received, signed_in: SignIn
) -> None:
    browser = signed_in(UserRole.AI_LEAD)
    text = browser.get(f"/studies/{received[1]}").text
    assert "Voxels above 200" in text
    for hidden in ("Phantom, Blob", "Phantom^Blob", "/preview", "CT abdomen"):
        assert hidden not in text, hidden
    assert browser.get(f"/studies/{received[1]}/thumbnail").status_code == 403


def test_opening_stands_in_the_trail_and_refreshing_does_not(received: Received, signed_in: SignIn) -> None:
    node, study, _ = received
    browser = signed_in(UserRole.PACS_ADMIN)

    def opened() -> int:
        return len(node.audit.search(AuditQuery(kind=AuditKind.STUDY_OPENED, actor="pacs-admin"), 50))

    before = opened()
    browser.get(f"/studies/{study}")
    browser.request("GET", f"/studies/{study}", headers={"HX-Request": "true"})
    assert opened() == before + 1


def test_pictures_documents_and_contents_come_as_what_they_are(received: Received, signed_in: SignIn) -> None:
    node, study, _ = received
    browser = signed_in(UserRole.RADIOLOGIST)
    page = node.study_page(study)
    (card,) = page.works[0].cards
    for address in ("thumbnail", f"findings/{card.tracking_uid}/preview"):
        answer = browser.get(f"/studies/{study}/{address}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png"), address
    by_kind = {record.kind: record.sop_instance_uid for record in page.receipt.results}
    assert "Volume" in browser.get(f"/studies/{study}/results/{by_kind['SR']}").text
    assert browser.get(f"/studies/{study}/results/{by_kind['PDF']}/document").content.startswith(b"%PDF-")
    assert browser.get(f"/studies/{study}/results/{by_kind['SEG']}/object").content[128:132] == b"DICM"


@pytest.mark.parametrize(
    "address", ["1.2.3", "{study}/results/1.2.3", "{study}/findings/1.2.3/preview", "{study}/results/1.2.3/object"]
)
def test_what_is_not_there_is_not_found(received: Received, signed_in: SignIn, address: str) -> None:
    answer = signed_in(UserRole.RADIOLOGIST).get(f"/studies/{address.format(study=received[1])}")
    assert answer.status_code == 404


def test_german_readers_read_german(received: Received) -> None:
    browser = Browser(received[2], language="de")
    browser.sign_in("radiologist")
    text = browser.get(f"/studies/{received[1]}").text
    assert "KI, nicht geprüft" in text
    assert "Wo die Zeit blieb" in text


def test_answering_takes_a_form_and_stands_in_the_trail_and_on_the_page(received: Received, signed_in: SignIn) -> None:
    node, study, _ = received
    work = node.study_page(study).works[0]
    form = {"workitem": work.status.workitem.uid, "tracking": work.cards[0].tracking_uid, "verdict": "wrong"}
    assert signed_in(UserRole.AI_LEAD).post(f"/studies/{study}/feedback", **form).status_code == 403
    browser = signed_in(UserRole.RADIOLOGIST)
    answer = browser.post(f"/studies/{study}/feedback", **form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/studies/{study}?done=answered")
    assert "Rejected by radiologist" in browser.get(f"/studies/{study}").text
    assert node.audit.search(AuditQuery(kind=AuditKind.FEEDBACK_GIVEN), 5)[0].study_instance_uid == study
    figures = signed_in(UserRole.AI_LEAD).get("/api/v1/feedback").json()["items"]
    assert [(item["package"], item["verdict"], item["count"]) for item in figures] == [("blob", "wrong", 1)]


def test_what_cannot_be_done_is_said_on_the_page(received: Received, signed_in: SignIn) -> None:
    _, study, _ = received
    answer = signed_in(UserRole.PACS_ADMIN).post(f"/studies/{study}/send", destination="nowhere")
    assert answer.status_code >= 400
    assert "there is no such destination" in answer.text


def test_the_api_says_what_the_page_says_and_no_name(received: Received, signed_in: SignIn) -> None:
    _, study, _ = received
    answer = signed_in(UserRole.AI_LEAD).get(f"/api/v1/studies/{study}")
    found = answer.json()
    assert found["work"][0]["findings"][0]["name"] == "Liver"
    assert {item["kind"] for item in found["objects"]} >= {"SEG", "SR", "REPORT", "PDF"}
    assert "Phantom" not in answer.text
