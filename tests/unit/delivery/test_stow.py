"""STOW-RS: one object a request; what the service says is kept, whatever the form it says it in."""

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset

from appliance.delivery.sender import ACCEPTED, Outcome, Parcel
from appliance.delivery.stow import StowSender
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.pacs import ScriptedWeb, parcel, scripted_web


@pytest.fixture(scope="module")
def slices() -> list[Dataset]:
    return ct_series(blob_phantom((3, 8, 8)), seed="stow")


@pytest.fixture
def parcels(slices: list[Dataset], tmp_path: Path) -> list[Parcel]:
    return [parcel(item, tmp_path) for item in slices]


@pytest.fixture
def web():  # type: ignore[no-untyped-def]
    with scripted_web() as service:
        yield service


def test_each_object_is_a_request_of_its_own(web: ScriptedWeb, parcels: list[Parcel]) -> None:
    assert list(StowSender(web.destination).send(parcels)) == [ACCEPTED] * 3
    assert web.requests == 3


@pytest.mark.parametrize(
    ("status", "reason", "outcome", "code"),
    [
        (200, 0xB000, Outcome.ACCEPTED, "B000"),
        (202, 0xB006, Outcome.ACCEPTED, "B006"),
        (409, 0x0122, Outcome.REFUSED, "0122"),
        (409, 0xA700, Outcome.UNAVAILABLE, "A700"),
        (400, None, Outcome.REFUSED, "HTTP-400"),
        (415, None, Outcome.REFUSED, "HTTP-415"),
        (401, None, Outcome.UNAVAILABLE, "destination-unavailable"),
        (503, None, Outcome.UNAVAILABLE, "destination-unavailable"),
    ],
)
def test_what_the_service_says_is_kept(
    status: int, reason: int | None, outcome: Outcome, code: str, web: ScriptedWeb, parcels: list[Parcel]
) -> None:
    web.answers = [(status, reason)]
    answer = next(iter(StowSender(web.destination).send(parcels[:1])))
    assert (answer.outcome, answer.code) == (outcome, code)


def test_after_a_lost_connection_the_rest_is_not_tried(web: ScriptedWeb, parcels: list[Parcel]) -> None:
    web.answers = [(0, None)]
    answers = list(StowSender(web.destination).send(parcels))
    assert [answer.outcome for answer in answers] == [Outcome.UNAVAILABLE] * 3
    assert web.requests == 1


def test_the_login_goes_along_with_every_request(web: ScriptedWeb, parcels: list[Parcel]) -> None:
    place = replace(web.destination, user="node", password="pass:word")
    list(StowSender(place).send(parcels[:2]))
    expected = "Basic " + base64.b64encode(b"node:pass:word").decode()
    assert web.logins == [expected] * 2
