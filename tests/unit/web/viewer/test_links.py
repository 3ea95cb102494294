"""Links of a PACS: what they ask for, what is found, where they lead, and what nobody learns of them."""

import httpx
import pytest
from fastapi import FastAPI

from appliance.bootstrap import Appliance
from appliance.domain.audit import AuditKind
from appliance.domain.errors import LinkMalformed
from appliance.store.audit_trail import AuditQuery
from appliance.web.dicomweb.access import AccessNotes
from appliance.web.problems import add_error_answers
from appliance.web.shell import Shell
from appliance.web.viewer.link_routes import links_router
from appliance.web.viewer.links import StudyFinder, Wanted, wanted_by
from tests.helpers.people import Browser, add_one_of_each_role, web_app

Study = dict[str, dict[str, object]]
LINK = "/IHEInvokeImageDisplay"


def study(uid: str, date: str = "20260101", modalities: str = "CT", birth: str = "19700101", **more: str) -> Study:
    values: dict[str, object] = {"0020000D": uid, "00080020": date, "00080030": "101500", "00100030": birth}
    values |= {"00100020": more.get("patient", "P1"), "00080050": more.get("accession", "A1")}
    values["00081030"] = more.get("description", "Thorax")
    return {
        **{tag: {"vr": "LO", "Value": [value]} for tag, value in values.items()},
        "00080061": {"vr": "CS", "Value": modalities.split("+")},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
    }


class Orthanc:
    """Finds what it holds, by the attributes that links ask for."""

    def __init__(self) -> None:
        self.holds: list[Study] = []
        self.asked: list[httpx.URL] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        tags = {"StudyInstanceUID": "0020000D", "AccessionNumber": "00080050", "PatientID": "00100020"}
        ((tag, value),) = [(tags[key], request.url.params[key]) for key in tags if key in request.url.params]
        found = [item for item in self.holds if str(item[tag]["Value"][0]).lower() == value.lower()]  # type: ignore[index]
        return httpx.Response(200, json=found) if found else httpx.Response(204)


@pytest.fixture
def orthanc() -> Orthanc:
    return Orthanc()


@pytest.fixture
def app(node: Appliance, orthanc: Orthanc) -> FastAPI:
    add_one_of_each_role(node)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.node, app.state.shell = node, Shell([])
    add_error_answers(app)
    client = httpx.AsyncClient(transport=httpx.MockTransport(orthanc), base_url="http://orthanc")
    app.include_router(links_router(StudyFinder(client), AccessNotes(lambda: node.audit)))
    return app


@pytest.fixture
def reader(app: FastAPI, node: Appliance) -> Browser:
    entrance, browser = Browser(web_app(node)), Browser(app)
    entrance.sign_in("radiologist")
    browser.cookies = entrance.cookies
    return browser


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"requestType": "STUDY", "accessionNumber": "A1"}, Wanted(key="AccessionNumber", values=("A1",))),
        ({"REQUESTTYPE": "study", "studyUID": "1.2, 1.3"}, Wanted(key="StudyInstanceUID", values=("1.2", "1.3"))),
        ({"requestType": "PATIENT", "patientID": "P1^^^&1.2&ISO"}, Wanted(key="PatientID", values=("P1",))),
        (
            {"requestType": "PATIENT", "patientID": "P1", "mostRecentResults": "1"},
            Wanted(key="PatientID", values=("P1",), latest=1),
        ),
    ],
)
def test_a_link_says_what_it_wants(query: dict[str, str], wanted: Wanted) -> None:
    assert wanted_by(query) == wanted


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"requestType": "SERIES", "studyUID": "1.2"},
        {"requestType": "STUDY"},
        {"requestType": "STUDY", "accessionNumber": "*"},
        {"requestType": "STUDY", "accessionNumber": "A?"},
        {"requestType": "STUDY", "studyUID": "1.2\\1.3"},
        {"requestType": "STUDY", "accessionNumber": "x" * 65},
        {"requestType": "STUDY", "accessionNumber": "A\n1"},
        {"requestType": "PATIENT", "patientID": "^^^x"},
        {"requestType": "PATIENT", "patientID": "P1", "mostRecentResults": "0"},
    ],
)
def test_a_link_that_could_mean_anything_is_refused_without_its_values(query: dict[str, str]) -> None:
    with pytest.raises(LinkMalformed) as refused:
        wanted_by(query)
    assert not any(value in refused.value.what for value in query.values() if len(value) > 4 and value != "PATIENT")


def test_one_study_is_opened(reader: Browser, orthanc: Orthanc) -> None:
    orthanc.holds = [study("1.2")]
    answer = reader.get(f"{LINK}?requestType=STUDY&accessionNumber=A1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/viewer?StudyInstanceUIDs=1.2")


def test_it_is_opened_beside_its_newest_prior(reader: Browser, orthanc: Orthanc) -> None:
    orthanc.holds = [
        study("1.2", "20260101", "CT+SEG"),
        study("1.3", "20250101", accession="A0"),
        study("1.4", "20240101", accession="A0"),
        study("1.5", "20251231", "MR+SEG", accession="A0"),
        study("1.6", "20251231", birth="19710101", accession="A0"),
        study("1.7", "20270101", accession="A0"),
        study("1.8", "20251231", patient="P2", accession="A0"),
    ]
    answer = reader.get(f"{LINK}?requestType=STUDY&studyUID=1.2")
    assert answer.headers["Location"] == "/viewer?StudyInstanceUIDs=1.2,1.3"


def test_of_several_the_reader_chooses_newest_first(reader: Browser, orthanc: Orthanc) -> None:
    orthanc.holds = [study("1.2", "20240101"), study("1.3", "20250101", description="<b>later</b>")]
    answer = reader.get(f"{LINK}?requestType=PATIENT&patientID=P1")
    assert answer.status_code == 200
    assert answer.text.index("StudyInstanceUIDs=1.3") < answer.text.index("StudyInstanceUIDs=1.2")
    assert "Doe Jane" in answer.text
    assert "<b>" not in answer.text
    newest = reader.get(f"{LINK}?requestType=PATIENT&patientID=P1&mostRecentResults=1")
    assert newest.headers["Location"].startswith("/viewer?StudyInstanceUIDs=1.3")


def test_what_is_found_only_nearly_is_not_found(reader: Browser, orthanc: Orthanc) -> None:
    orthanc.holds = [study("1.2", accession="a1")]
    answer = reader.get(f"{LINK}?requestType=STUDY&accessionNumber=A1")
    assert answer.status_code == 404
    assert "no study" in answer.text


def test_a_malformed_link_is_answered_with_a_page(reader: Browser, orthanc: Orthanc) -> None:
    answer = reader.get(f"{LINK}?requestType=STUDY&accessionNumber=*")
    assert answer.status_code == 400
    assert "link-malformed" in answer.text
    assert not orthanc.asked


def test_an_orthanc_that_is_away_is_told(reader: Browser, orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Orthanc, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(Orthanc, "__call__", refuse)
    answer = reader.get(f"{LINK}?requestType=STUDY&accessionNumber=A1")
    assert answer.status_code == 503


def test_a_link_needs_a_login_and_is_kept_over_it(app: FastAPI, orthanc: Orthanc) -> None:
    answer = Browser(app).get(f"{LINK}?requestType=STUDY&accessionNumber=A1")
    assert answer.headers["Location"].startswith("/login?next=/IHEInvokeImageDisplay%3FrequestType%3DSTUDY")
    assert not orthanc.asked


def test_neither_log_nor_trail_learns_whose_link_it_was(
    reader: Browser, orthanc: Orthanc, node: Appliance, capsys: pytest.CaptureFixture[str]
) -> None:
    for link in ("STUDY&accessionNumber=SECRET1", "PATIENT&patientID=SECRET2", "STUDY&accessionNumber=SECRET*"):
        reader.get(f"{LINK}?requestType={link}")
    trail = node.audit.search(AuditQuery(kind=AuditKind.STUDIES_SEARCHED), 10)
    assert [entry.detail for entry in trail] == [{"by": "PatientID"}, {"by": "AccessionNumber"}]
    assert "SECRET" not in str(trail)
    said = capsys.readouterr()
    assert "SECRET" not in said.out + said.err
