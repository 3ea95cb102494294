"""Results on real studies: headers with faults, enhanced objects and big stacks still give valid objects."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from appliance.domain.coding import MILLILITRE
from appliance.domain.finding import Finding, Measurement, Narrative, Sentence
from appliance.domain.image import PlanarImage, SeriesImages, Volume, source_shape
from appliance.domain.model_package import InputKind
from appliance.results import ReportedAnalysis, build_report, build_results
from appliance.study.files import open_input
from tests.helpers import validators
from tests.helpers.findings import DEVICE, VOLUME, analysis_of, findings_in_image, package, segment, workitem_for
from tests.helpers.reading import read_found
from tests.helpers.services import program

pytestmark = pytest.mark.shared

VOLUMES = [
    "ct-chest/lung-dx-a0001.tar.xz",
    "mr-brain/ge-fse-pd-20-slices",
    "multiframe-enhanced/eCT_Supplemental.dcm",
    "multiframe-enhanced/siemens-xa10-enhanced-mr.dcm",
]
IMAGES = [
    "cxr-dicom/dx-angell-pa.dcm",
    "cxr-dicom/cr-fuji-burnt-in-fake-phi-monochrome1.dcm",
    "cxr-dicom/cr-rsna-jpeg-monochrome2.dcm",
    "mammo/cbis-ddsm-p00820-lcc-rle.dcm",
    "us/RGB_IMAGE.dcm",
]


def read(path: Path, kind: InputKind) -> SeriesImages:
    with open_input(path) as found:
        return read_found(found, kind)


def write_all(images: SeriesImages, findings: tuple[Finding, ...], folder: Path) -> list[Path]:
    """Every kind of result on `images`, written to `folder`."""
    analysis = analysis_of(images, findings)
    results = build_results(analysis, images, package(), DEVICE)
    narrative = Narrative(
        language="de",
        title="Entwurf",
        findings=(Sentence(text="Größe gemessen.", evidence=((analysis.workitem.uid, 1),)),),
        impression=(),
    )
    reported = ReportedAnalysis(analysis=analysis, package=package(), results=results)
    report = build_report(narrative, (reported,), images.headers[:1], DEVICE, workitem_for(images, "report"))
    paths = []
    for result in (*results, *report):
        paths.append(folder / f"{result.kind}.dcm")
        paths[-1].write_bytes(result.content)
    return paths


def middle(images: SeriesImages) -> np.ndarray:
    """A box in the middle third of the source."""
    mask = np.zeros(source_shape(images.sources[0]), bool)
    mask[tuple(slice(n // 3, max(n // 3 + 1, 2 * n // 3)) for n in mask.shape)] = True
    return mask


@pytest.mark.parametrize("path", VOLUMES)
def test_volumes(shared_data: Path, path: str, tmp_path: Path) -> None:
    program("dciodvfy")
    images = read(shared_data / path, InputKind.VOLUME)
    (volume,) = images.sources
    assert isinstance(volume, Volume)
    mask = middle(images)
    millilitres = Measurement(concept=VOLUME, value=mask.sum() * volume.voxel_ml, unit=MILLILITRE, segment=1)
    paths = write_all(images, (segment(mask), millilitres), tmp_path)
    assert validators.not_waived(item for path in paths for item in validators.dciodvfy(path)) == []
    points = validators.segment_points(tmp_path / "SEG.dcm", tmp_path / "dcmqi")[1]
    index = (np.linalg.inv(volume.affine) @ np.c_[points, np.ones(len(points))].T)[:3].T
    assert {tuple(row) for row in np.round(index).astype(int)} == {tuple(row) for row in np.argwhere(mask)}


@pytest.mark.parametrize("path", IMAGES)
def test_planar_images(shared_data: Path, path: str, tmp_path: Path) -> None:
    program("dciodvfy")
    images = read(shared_data / path, InputKind.IMAGE)
    (image,) = images.sources
    assert isinstance(image, PlanarImage)
    paths = write_all(images, findings_in_image(image), tmp_path)
    assert validators.not_waived(item for path in paths for item in validators.dciodvfy(path)) == []
    for written in paths:
        result = dcmread(written)
        assert str(result.PatientID) == str(images.headers[0].get("PatientID", ""))
        assert str(result.PatientName) == str(images.headers[0].get("PatientName", ""))
