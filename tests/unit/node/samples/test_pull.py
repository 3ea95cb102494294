"""Sample studies come whole or not at all, from the first origin that this machine has."""

import gzip
import hashlib
import io
import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom import dcmread

from appliance.domain.errors import RecipeRefused
from appliance.node.samples import SampleStudy, pull_samples
from appliance.node.samples.catalogue import DicomOrigin, InstalledNiftiOrigin, PhantomOrigin, read_catalogue
from appliance.node.samples.phantom_dicom import phantom_dataset
from appliance.node.samples.phantom_findings import PhantomFindings
from tests.unit.catalogue.foreign import WHEEL, make_wheel


def dicom_bytes(seed: int) -> bytes:
    buffer = io.BytesIO()
    phantom_dataset(PhantomFindings(), seed).save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def nifti_bytes() -> bytes:
    volume = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    return nibabel.Nifti1Image(volume, np.diag([1.0, 1.0, 2.0, 1.0])).to_bytes()


class Place:
    """A wheel with two DICOM files and a NIfTI volume, a system folder, and a catalogue that names them."""

    def __init__(self, root: Path) -> None:
        self.root, self.cache, self.out = root, root / "cache", root / "out"
        members = {"tiny/ct/1.dcm": dicom_bytes(1), "tiny/ct/2.dcm": dicom_bytes(2), "tiny/brain.nii": nifti_bytes()}
        self.wheel = make_wheel(root / "wheel house", members)
        self.cache.mkdir()
        shutil.copy(self.wheel, self.cache)
        self.catalogue = root / "catalogue.toml"

    def source(self) -> str:
        digest, size = hashlib.sha256(self.wheel.read_bytes()).hexdigest(), self.wheel.stat().st_size
        return (
            f'source = {{ package = "tiny", version = "1.0", file = "{WHEEL}", size = {size}, sha256 = "{digest}", '
            'licence = "CC0", attribution = "drawn here" }'
        )

    def describe(self, *origins: str) -> None:
        tables = "".join(f"[[samples.origins]]\n{origin}\n" for origin in origins)
        self.catalogue.write_text(f'schema = 1\n[[samples]]\nname = "drawn"\n{tables}', encoding="utf-8")

    def pull(self) -> SampleStudy:
        (study,) = pull_samples(self.cache, self.out, wheelhouse=self.wheel.parent, catalogue=self.catalogue)
        return study

    def ct(self, count: int = 2) -> str:
        return f'kind = "dicom"\nmembers = "tiny/ct/*.dcm"\ncount = {count}\n{self.source()}'


SERIES = (
    'series = { series_description = "T1", study_description = "s", patient_name = "A^B", patient_id = "1", '
    'derivation = "drawn" }'
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_dicom_members_are_taken_as_they_are(place: Place) -> None:
    place.describe(place.ct())
    study = place.pull()
    assert (study.name, study.licence, study.attribution) == ("drawn", "CC0", "drawn here")
    assert {path.name: path.read_bytes() for path in study.folder.iterdir()} == {
        "1.dcm": dicom_bytes(1),
        "2.dcm": dicom_bytes(2),
    }


def test_a_volume_in_a_wheel_becomes_an_mr_series(place: Place) -> None:
    place.describe(f'kind = "nifti"\nmember = "tiny/brain.nii"\n{SERIES}\n{place.source()}')
    files = sorted(place.pull().folder.iterdir())
    assert len(files) == 4
    assert {str(dcmread(path).Modality) for path in files} == {"MR"}


def test_a_study_that_is_there_is_kept(place: Place) -> None:
    place.describe(place.ct())
    first = place.pull()
    shutil.rmtree(place.cache)
    shutil.rmtree(place.wheel.parent)
    assert place.pull() == first


def test_another_origin_is_another_folder(place: Place) -> None:
    place.describe('kind = "phantom"\nseed = 1\nlicence = "x"\nattribution = "y"')
    first = place.pull()
    place.describe('kind = "phantom"\nseed = 2\nlicence = "x"\nattribution = "y"')
    assert place.pull().folder != first.folder


def test_a_system_file_is_preferred_and_passed_over_when_absent_or_changed(place: Place) -> None:
    installed = place.root / "brain.nii"
    digest = hashlib.sha256(nifti_bytes()).hexdigest()
    system = (
        f'kind = "installed-nifti"\npath = {json.dumps(str(installed))}\nsha256 = "{digest}"\nlicence = "BSD"\n'
        f'attribution = "system"\n{SERIES}'
    )
    place.describe(system, place.ct())
    assert place.pull().attribution == "drawn here"
    installed.write_bytes(nifti_bytes() + b"x")
    assert place.pull().attribution == "drawn here"
    installed.write_bytes(nifti_bytes())
    assert place.pull().attribution == "system"
    installed.unlink()
    place.describe(system)
    with pytest.raises(RecipeRefused, match="no origin"):
        place.pull()


def test_nothing_remains_when_the_members_are_not_those_expected(place: Place) -> None:
    place.describe(place.ct(count=3))
    with pytest.raises(RecipeRefused, match="3 are expected"):
        place.pull()
    assert list(place.out.iterdir()) == []


def test_a_wheel_that_was_changed_is_refused(place: Place) -> None:
    place.describe(place.ct())
    for file in (place.wheel, place.cache / WHEEL):
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(RecipeRefused):
        place.pull()
    assert not place.out.exists() or list(place.out.iterdir()) == []


def test_the_catalogue_names_the_four_studies_with_their_credit() -> None:
    samples = {sample.name: sample.origins for sample in read_catalogue()}
    assert list(samples) == ["chest-ct", "chest-x-ray", "brain-t1", "phantom"]
    assert isinstance(samples["chest-ct"][0], DicomOrigin)
    assert isinstance(samples["brain-t1"][0], InstalledNiftiOrigin)
    assert isinstance(samples["phantom"][0], PhantomOrigin)


def test_a_system_file_is_the_same_however_it_is_compressed(place: Place) -> None:
    installed = place.root / "brain.nii.gz"
    digest = hashlib.sha256(nifti_bytes()).hexdigest()
    place.describe(
        f'kind = "installed-nifti"\npath = {json.dumps(str(installed))}\nsha256 = "{digest}"\nlicence = "BSD"\n'
        f'attribution = "system"\n{SERIES}'
    )
    for level in (1, 9):
        installed.write_bytes(gzip.compress(nifti_bytes(), level))
        assert place.pull().attribution == "system"
