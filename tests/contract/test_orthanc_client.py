"""What the client relies on, from a real Orthanc and from the stand-in that unit tests use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.domain.errors import DestinationConflict, DestinationRefused, InputTooLarge
from appliance.study.orthanc import NEW_INSTANCE, OrthancClient
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.orthanc_double import encoded, hashed, orthanc_double, orthanc_id
from tests.helpers.services import orthanc

SLICES = ct_series(blob_phantom((4, 8, 9)))


@contextmanager
def _double(_: Path) -> Iterator[str]:
    with orthanc_double() as double:
        yield double.url


@contextmanager
def _real(folder: Path) -> Iterator[str]:
    with orthanc(folder / "orthanc") as server:
        yield server.url


@pytest.fixture(
    scope="module", params=[_double, pytest.param(_real, marks=pytest.mark.integration)], ids=["double", "orthanc"]
)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancClient]:
    start: Callable[[Path], contextmanager[str]] = request.param  # type: ignore[type-arg]
    with start(tmp_path_factory.mktemp("node")) as url, OrthancClient(url) as made:
        yield made


@pytest.fixture
def stored(client: OrthancClient, tmp_path: Path) -> list[str]:
    return [client.store(_file(tmp_path, encoded(item))) for item in SLICES]


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "object.dcm"
    path.write_bytes(content)
    return path


def test_identifiers_derive_from_the_uids(stored: list[str]) -> None:
    assert stored == [orthanc_id(item) for item in SLICES]


def test_the_change_feed_names_every_new_instance_once_in_pages(client: OrthancClient, stored: list[str]) -> None:
    since, found, pages = 0, [], 0
    while True:
        page = client.changes(since, limit=2)
        found += [change.orthanc_id for change in page.changes if change.kind == NEW_INSTANCE]
        pages += 1
        if page.done:
            break
        assert page.last > since
        since = page.last
    assert found == stored
    assert pages > 1
    assert client.last_change() == page.last
    after = client.changes(page.last)
    assert (after.changes, after.last, after.done) == ((), page.last, True)


def test_receptions_are_given_for_what_is_there(client: OrthancClient, stored: list[str]) -> None:
    found = client.receptions([*stored, "0" * 8 + "-00000000" * 4])
    assert set(found) == set(stored)
    assert all(len(how.received) == len("20261123T120000") for how in found.values())
    assert {how.sender_address for how in found.values()} == {"127.0.0.1"}
    assert client.has_instances([stored[0], "0" * 8 + "-00000000" * 4]) == {stored[0]}


def test_a_file_comes_as_it_was_stored(client: OrthancClient, stored: list[str], tmp_path: Path) -> None:
    download = client.download(stored[1], tmp_path / "a" / "file.dcm")
    content = (tmp_path / "a" / "file.dcm").read_bytes()
    assert download is not None
    assert (content, download.size) == (encoded(SLICES[1]), len(content))


def test_what_is_not_there_is_no_file(client: OrthancClient, tmp_path: Path) -> None:
    assert client.download("0" * 8 + "-00000000" * 4, tmp_path / "file.dcm") is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_above_the_limit_is_not_kept(client: OrthancClient, stored: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputTooLarge):
        client.download(stored[0], tmp_path / "sub" / "file.dcm", limit=100)
    assert list((tmp_path / "sub").iterdir()) == []


def test_storing_again_is_success_and_other_content_a_conflict(
    client: OrthancClient, stored: list[str], tmp_path: Path
) -> None:
    assert client.store(_file(tmp_path, encoded(SLICES[0]))) == stored[0]
    other = ct_series(blob_phantom((4, 8, 9)), SeriesDescription="Another")[0]
    with pytest.raises(DestinationConflict):
        client.store(_file(tmp_path, encoded(other)))


def test_what_is_not_dicom_is_refused(client: OrthancClient, tmp_path: Path) -> None:
    with pytest.raises(DestinationRefused):
        client.store(_file(tmp_path, b"not DICOM"))


def test_system_and_statistics_answer(client: OrthancClient, stored: list[str]) -> None:
    assert client.system()["Version"]
    assert client.statistics()["CountInstances"] == len(stored)


def test_the_members_of_a_study_are_known_by_its_uid(client: OrthancClient, stored: list[str]) -> None:
    assert client.instances_of_study(str(SLICES[0].StudyInstanceUID)) == set(stored)
    assert client.instances_of_study("1.2.3.4.5") == frozenset()


def test_a_study_that_just_came_or_is_not_there_is_not_stable(client: OrthancClient, stored: list[str]) -> None:
    (patient, study) = (str(SLICES[0].PatientID), str(SLICES[0].StudyInstanceUID))
    assert client.stable_study(hashed(patient, study)) is None
    assert client.stable_study(hashed("nobody", study)) is None


def test_receptions_are_dated_by_the_clock_that_is_told(client: OrthancClient, stored: list[str]) -> None:
    received = client.receptions(stored)[stored[0]].received_at
    assert received is not None
    assert 0 <= (client.now() - received).total_seconds() < 3600
