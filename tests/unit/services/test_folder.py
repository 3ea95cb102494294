"""A folder is taken in where it lies, as if Orthanc had announced it."""

import hashlib
from pathlib import Path

from appliance.services.folder import take_in
from appliance.services.instance_files import InstanceFiles
from appliance.store.engine import Ledger
from appliance.store.instances import Instances
from appliance.study.files import open_input
from appliance.study.orthanc import OrthancClient
from tests.helpers.dicom_builder import blob_phantom, ct_series, mr_series, save
from tests.unit.store.conftest import NOON


def test_every_object_is_registered_where_it_lies(ledger: Ledger, tmp_path: Path) -> None:
    slices = ct_series(blob_phantom((3, 8, 9)))
    paths = save(slices, tmp_path / "a study")
    instances = Instances(ledger)
    with open_input(tmp_path / "a study") as found:
        (study,) = take_in(found, instances, NOON)
        arrived = instances.of_study(study)
    assert {item.instance.sop_instance_uid for item in arrived} == set(paths)
    with OrthancClient("http://127.0.0.1:9") as nobody:
        files = InstanceFiles(tmp_path / "cache", nobody)
        assert files.paths(arrived) == {uid: path.resolve() for uid, path in paths.items()}
    for item in arrived:
        content = paths[item.instance.sop_instance_uid].read_bytes()
        assert (item.file.sha256, item.file.size) == (hashlib.sha256(content).hexdigest(), len(content))


def test_taking_in_again_changes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    save(ct_series(blob_phantom((3, 8, 9))), tmp_path / "study")
    with open_input(tmp_path / "study") as found:
        assert len(take_in(found, Instances(ledger), NOON)) == 1
        assert take_in(found, Instances(ledger), NOON) == frozenset()


def test_two_studies_are_two(ledger: Ledger, tmp_path: Path) -> None:
    save(ct_series(blob_phantom((3, 8, 9))), tmp_path / "study" / "ct")
    save(mr_series(blob_phantom((3, 8, 9))), tmp_path / "study" / "mr")
    with open_input(tmp_path / "study") as found:
        assert len(take_in(found, Instances(ledger), NOON)) == 2
