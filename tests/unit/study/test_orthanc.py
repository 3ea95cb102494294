"""The client when Orthanc does not do what it should; what it does is in tests/contract/test_orthanc_client.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.domain.errors import OrthancUnavailable, SettingsError
from appliance.study.orthanc import OrthancClient
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.orthanc_double import OrthancDouble, orthanc_double
from tests.helpers.services import free_port

SLICE = ct_series(blob_phantom((2, 8, 9)))[0]


@pytest.fixture
def node() -> Iterator[OrthancDouble]:
    with orthanc_double(login=("appliance", "secret")) as double:
        yield double


@pytest.fixture
def client(node: OrthancDouble) -> Iterator[OrthancClient]:
    with OrthancClient(node.url, user="appliance", password="secret") as made:
        yield made


def test_a_wrong_password_is_a_matter_of_settings(node: OrthancDouble) -> None:
    with OrthancClient(node.url, user="appliance", password="wrong") as client, pytest.raises(SettingsError):
        client.last_change()


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_may_pass(node: OrthancDouble, client: OrthancClient, status: int, tmp_path: Path) -> None:
    uid = node.receive(SLICE)
    node.fail_next(status, status, status)
    for ask in (client.system, lambda: client.receptions([uid]), lambda: client.download(uid, tmp_path / "file")):
        with pytest.raises(OrthancUnavailable):
            ask()
    assert client.download(uid, tmp_path / "file") is not None


def test_an_answer_that_is_none_is_never_taken_for_data(node: OrthancDouble, client: OrthancClient) -> None:
    node.fail_next(404)
    with pytest.raises(OrthancUnavailable):
        client.changes(0)


def test_a_file_that_breaks_off_leaves_nothing(node: OrthancDouble, client: OrthancClient, tmp_path: Path) -> None:
    uid = node.receive(SLICE)
    node.cut_short = True
    with pytest.raises(OrthancUnavailable):
        client.download(uid, tmp_path / "file.dcm")
    assert list(tmp_path.iterdir()) == []


def test_nobody_listening_may_pass() -> None:
    with OrthancClient(f"http://127.0.0.1:{free_port()}") as client, pytest.raises(OrthancUnavailable):
        client.system()


def test_foreign_tags_are_never_asked_for(node: OrthancDouble, client: OrthancClient, tmp_path: Path) -> None:
    """Orthanc's tag parser dies of hostile objects."""
    uid = node.receive(SLICE)
    client.changes(0)
    client.receptions([uid])
    client.download(uid, tmp_path / "file.dcm")
    assert not [path for path in node.requests if "tags" in path]


def test_a_study_that_is_gone_may_be_deleted(client: OrthancClient) -> None:
    client.delete_study("0" * 8 + "-00000000" * 4)
