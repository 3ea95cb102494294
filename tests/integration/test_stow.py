"""A real STOW-RS user agent sends to a real node: what it stores is announced, analysed, and told to it."""

from collections.abc import Iterator

import httpx
import pytest
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session
from pydicom import Dataset
from requests import HTTPError

from appliance.bootstrap import Appliance
from appliance.domain.identifiers import StudyInstanceUID
from appliance.settings import LOOPBACK, SecretName, Settings
from appliance.store.quarantine import Way
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.node import await_end, running
from tests.helpers.services import on_free_ports, orthanc_settings
from tests.helpers.tiny_models import write_threshold_package

pytestmark = [pytest.mark.integration, pytest.mark.orthanc]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("a home")
    write_threshold_package(home / "models_onnx")
    node = on_free_ports(Settings(home=home, orthanc=orthanc_settings()))
    with running(node) as started:
        yield started


@pytest.fixture
def node(settings: Settings) -> Iterator[Appliance]:
    appliance = Appliance(settings)
    yield appliance
    appliance.close()


@pytest.fixture
def client(settings: Settings) -> DICOMwebClient:
    token = settings.secrets.get(SecretName.UPLOADS)
    session = create_session()
    session.headers["Authorization"] = f"Bearer {token}"
    # a small chunk, so that the client sends in chunks as it does with whole series
    return DICOMwebClient(f"{_url(settings)}", session=session, chunk_size=65_536)


def _url(settings: Settings) -> str:
    return f"http://{LOOPBACK}:{settings.web.port}/dicom-web"


def test_a_series_is_stored_announced_and_analysed(client: DICOMwebClient, node: Appliance) -> None:
    slices = ct_series(blob_phantom(), seed="stow")
    study = StudyInstanceUID(str(slices[0].StudyInstanceUID))
    answer = client.store_instances(slices, study_instance_uid=study)
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [
        item.SOPInstanceUID for item in slices
    ]
    assert "FailedSOPSequence" not in answer
    await_end(node, study)
    assert len(node.instances.of_study(study)) == len(slices)
    packages = {item.workitem.package: item.state.value for item in node.studies.receipt(study).workitems}
    assert packages == {"blob": "COMPLETED", "compositional-report": "COMPLETED"}

    again = client.store_instances(slices, study_instance_uid=study)
    assert len(again.ReferencedSOPSequence) == len(slices)
    assert len(node.workitems.of_study(study)) == len(packages)


def test_other_content_under_known_uids_is_no_success(client: DICOMwebClient) -> None:
    (first,) = ct_series(blob_phantom((1, 8, 9)), seed="twice")
    client.store_instances([first])
    first.SeriesDescription = "another one"
    with pytest.raises(HTTPError) as refused:
        client.store_instances([first])
    failed = Dataset.from_json(refused.value.response.json())
    assert refused.value.response.status_code == 409
    assert failed.FailedSOPSequence[0].FailureReason == 0x0111


def test_what_belongs_elsewhere_and_what_the_gate_refuses_is_told(client: DICOMwebClient, node: Appliance) -> None:
    good, other, deep = (ct_series(blob_phantom((1, 8, 9)), seed=seed)[0] for seed in ("good", "other", "deep"))
    inner = Dataset()
    for _ in range(60):
        outer = Dataset()
        outer.ContentSequence = [inner]
        inner = outer
    deep.ContentSequence = inner.ContentSequence
    deep.StudyInstanceUID = good.StudyInstanceUID
    answer = client.store_instances([good, other, deep], study_instance_uid=good.StudyInstanceUID)
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [good.SOPInstanceUID]
    failed = {item.ReferencedSOPInstanceUID: item.FailureReason for item in answer.FailedSOPSequence}
    assert failed == {other.SOPInstanceUID: 0xA901, deep.SOPInstanceUID: 0xC000}
    (held,) = node.quarantine.latest()
    assert (held.code, held.way, held.study_instance_uid) == ("gate-nesting", Way.HTTP, good.StudyInstanceUID)


def test_nobody_stores_without_the_token(settings: Settings) -> None:
    answer = httpx.post(f"{_url(settings)}/studies", content=b"", trust_env=False)
    assert answer.status_code == 401
