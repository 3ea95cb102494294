"""Files come from Orthanc once, and again when they are gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.domain.errors import InputTooLarge, UnreadableObject
from appliance.services.instance_files import InstanceFiles
from appliance.store.results import StoredFile
from appliance.study.orthanc import OrthancClient
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.orthanc_double import OrthancDouble, encoded, orthanc_double
from tests.unit.store.conftest import arrived

SLICE = ct_series(blob_phantom((2, 8, 9)))[0]


@pytest.fixture(scope="module")
def node() -> Iterator[OrthancDouble]:
    with orthanc_double() as double:
        yield double


@pytest.fixture
def client(node: OrthancDouble) -> Iterator[OrthancClient]:
    node.begin_anew()
    node.requests.clear()
    with OrthancClient(node.url) as made:
        yield made


@pytest.fixture
def files(client: OrthancClient, tmp_path: Path) -> InstanceFiles:
    return InstanceFiles(tmp_path / "a cache", client)


def item(uid: str, file: StoredFile):  # type: ignore[no-untyped-def]
    made = arrived("1.2.3.1.1")
    return type(made)(**{name: getattr(made, name) for name in made.__slots__} | {"orthanc_id": uid, "file": file})


def test_a_file_is_fetched_with_its_checksum(files: InstanceFiles, node: OrthancDouble) -> None:
    file = files.fetch(node.receive(SLICE))
    assert file is not None
    assert files.path(file).read_bytes() == encoded(SLICE)
    assert file.size == len(encoded(SLICE))


def test_its_name_says_nothing_of_the_object(files: InstanceFiles, node: OrthancDouble) -> None:
    uid = node.receive(SLICE)
    file = files.fetch(uid)
    assert file is not None
    assert SLICE.SOPInstanceUID not in file.path
    assert uid not in file.path


def test_what_is_there_is_not_fetched_again(files: InstanceFiles, node: OrthancDouble) -> None:
    uid = node.receive(SLICE)
    file = files.fetch(uid)
    assert file is not None
    before = len(node.requests)
    assert files.paths([item(uid, file)]) == {"1.2.3.1.1": files.path(file)}
    assert len(node.requests) == before


def test_a_file_that_is_gone_from_the_cache_is_fetched_again(files: InstanceFiles, node: OrthancDouble) -> None:
    uid = node.receive(SLICE)
    file = files.fetch(uid)
    assert file is not None
    files.remove(file)
    files.remove(file)
    (path,) = files.paths([item(uid, file)]).values()
    assert path.read_bytes() == encoded(SLICE)


def test_an_object_that_is_gone_or_has_changed_is_not_passed_off_as_what_arrived(
    files: InstanceFiles, node: OrthancDouble
) -> None:
    uid = node.receive(SLICE)
    file = files.fetch(uid)
    assert file is not None
    files.remove(file)
    node.replace(ct_series(blob_phantom((2, 8, 9)), SeriesDescription="Another")[0], at="20261123T130000")
    with pytest.raises(UnreadableObject):
        files.paths([item(uid, file)])
    files.remove(file)
    node.forget(uid)
    with pytest.raises(UnreadableObject):
        files.paths([item(uid, file)])


def test_what_orthanc_does_not_have_is_no_file(files: InstanceFiles, node: OrthancDouble) -> None:
    uid = node.receive(SLICE)
    node.forget(uid)
    assert files.fetch(uid) is None


def test_the_limit_holds(client: OrthancClient, node: OrthancDouble, tmp_path: Path) -> None:
    with pytest.raises(InputTooLarge):
        InstanceFiles(tmp_path, client, limit_bytes=100).fetch(node.receive(SLICE))
