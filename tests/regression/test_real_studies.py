"""Real series: what must be read is read, what must be refused is refused with the right code."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from appliance.domain.errors import (
    FrameOfReferenceMixed,
    GantryTilt,
    GeometryMissing,
    GeometryRefused,
    InputRefused,
    SlicesDuplicated,
    TooFewSlices,
)
from appliance.domain.image import PlanarImage, Volume
from appliance.domain.model_package import InputKind
from appliance.study.files import open_input
from appliance.study.reader import FilePixelSource
from tests.helpers.dicom_builder import Phantom, compressed, ct_series, enhanced_ct, rotated, sample
from tests.helpers.reading import read_as_volume, read_found

pytestmark = pytest.mark.shared


def volume_of(path: Path) -> Volume:
    with open_input(path) as found:
        (volume,) = read_found(found).sources
    assert isinstance(volume, Volume)
    return volume


def images_of(path: Path) -> tuple[PlanarImage, ...]:
    with open_input(path) as found:
        return read_found(found, InputKind.IMAGE).sources


@pytest.mark.parametrize(
    ("path", "shape", "spacing", "lowest", "highest"),
    [
        ("ct-chest/lung-dx-a0001.tar.xz", (64, 512, 512), (5, 0.8418, 0.8418), -1024, 2976),
        ("mr-brain/studyforrest-t1.tar.xz", (384, 384, 274), (0.6667, 0.6667, 0.7), 0, 278),
        ("mr-brain/ge-fse-pd-20-slices", (20, 256, 256), (7.0005, 0.8594, 0.8594), 0, 1059),
        ("pet-seg/qin-headneck-0024-pet.tar.xz", (299, 128, 128), (3.375, 3.5378, 3.5378), 0, 66260.8),
        ("multiframe-enhanced/eCT_Supplemental.dcm", (2, 512, 512), (10, 0.3887, 0.3887), -1024, 172),
        ("multiframe-enhanced/siemens-xa10-enhanced-mr.dcm", (6, 64, 64), (2.4, 3.375, 3.375), 0, 1199),
    ],
)
def test_volumes(shared_data: Path, path, shape, spacing, lowest, highest) -> None:
    volume = volume_of(shared_data / path)
    assert volume.voxels.shape == shape
    assert volume.spacing_mm == pytest.approx(spacing, abs=1e-3)
    assert float(volume.voxels.min()) == lowest
    assert float(volume.voxels.max()) == pytest.approx(highest, rel=1e-6)


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("ct-head/ge-gantry-tilt.tar.xz", GantryTilt),
        ("ct-chest/lidc-0314-24-slices.tar.xz", FrameOfReferenceMixed),
        ("multiframe-enhanced/IM_0027_fMAP.dcm", SlicesDuplicated),
        ("multiframe-enhanced/MOVEKNEE.dcm", SlicesDuplicated),
        ("multiframe-enhanced/MR-MONO2-8-16x-heart.dcm", GeometryMissing),
        ("multiframe-enhanced/HasFragmentSequence.dcm", GeometryMissing),
        ("us/us_multi_frame_grayscale_JPG2000.dcm", GeometryMissing),
        ("rt/ct.0.dcm", TooFewSlices),
    ],
)
def test_series_that_form_no_volume(shared_data: Path, path, refusal) -> None:
    with pytest.raises(refusal):
        volume_of(shared_data / path)


@pytest.mark.parametrize(
    ("path", "shape", "photometric", "spacing", "source"),
    [
        ("cxr-dicom/dx-angell-pa.dcm", (2714, 2413), "MONOCHROME2", 0.144, "PixelSpacing"),
        ("cxr-dicom/cr-fuji-burnt-in-fake-phi-monochrome1.dcm", (1760, 2140), "MONOCHROME1", 0.2, "PixelSpacing"),
        ("cxr-dicom/cr-rsna-jpeg-monochrome2.dcm", (1024, 1024), "MONOCHROME2", 0.168, "PixelSpacing"),
        ("mammo/cbis-ddsm-p00820-lcc-rle.dcm", (4736, 2624), "MONOCHROME2", None, None),
        ("mammo/mg-ge-for-presentation-jpeg-lossless.dcm", (3062, 2394), "MONOCHROME2", 0.0941, "ImagerPixelSpacing"),
        ("us/RGB_IMAGE.dcm", (768, 1024, 3), "RGB", 0.2379, "PixelSpacing"),
        ("us/GREYSCALE_IMAGE.dcm", (768, 1024), "MONOCHROME2", None, None),
    ],
)
def test_planar_images(shared_data: Path, path, shape, photometric, spacing, source) -> None:
    (image,) = images_of(shared_data / path)
    assert image.pixels.shape == shape
    assert image.photometric_interpretation == photometric
    assert image.spacing_source == source
    assert (image.pixel_spacing_mm or (None,))[0] == (spacing and pytest.approx(spacing, abs=1e-3))


def test_loops_give_three_frames(shared_data: Path) -> None:
    images = images_of(shared_data / "us/us_multi_frame_grayscale_JPG2000.dcm")
    assert [image.frame.frame_number for image in images] == [1, 28, 54]


def test_faulty_numbers_of_a_real_x_ray_are_read(shared_data: Path) -> None:
    with open_input(shared_data / "cxr-dicom/dx-angell-pa.dcm") as found:
        (instance,) = found.instances
    assert instance.attributes["PatientOrientation"] == ("L", "F")
    assert all(not isinstance(value, str) or value.isprintable() for value in instance.attributes.values())


@pytest.fixture(scope="module")
def chest(shared_data: Path) -> Phantom:
    """A small block of a real chest CT, turned so that no axis is a patient axis."""
    volume = volume_of(shared_data / "ct-chest/lung-dx-a0001.tar.xz")
    block = volume.voxels[20:32, 200:248:2, 100:164:2].astype(np.int16)
    affine = volume.affine.copy()
    affine[:3, 3] = (volume.affine @ [20, 200, 100, 1])[:3]
    affine[:3, 1:3] *= 2
    return Phantom(block, rotated(affine, (5, -12, 20)))


@pytest.mark.parametrize(
    ("axes", "flips"),
    [
        ((0, 1, 2), (False, False, False)),
        ((0, 1, 2), (True, False, False)),
        ((2, 0, 1), (False, True, False)),
        ((1, 0, 2), (True, True, True)),
    ],
    ids=["axial", "reversed", "sagittal", "coronal"],
)
@pytest.mark.parametrize("storage", [None, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless, "enhanced"])
def test_a_real_ct_is_the_same_however_it_is_stored(chest: Phantom, axes, flips, storage, tmp_path: Path) -> None:
    stored = chest.stored(axes, flips)
    items = [enhanced_ct(stored, shuffle=1)] if storage == "enhanced" else ct_series(stored)
    if storage not in (None, "enhanced"):
        items = [compressed(item, storage) for item in items]
    np.random.default_rng(2).shuffle(items)
    volume = read_as_volume(items, tmp_path)
    index = np.indices(chest.values.shape).reshape(3, -1)
    points = (chest.affine @ np.vstack([index, np.ones(index.shape[1])]))[:3].T
    np.testing.assert_array_equal(sample(volume.voxels, volume.affine, points), chest.values.reshape(-1))


@pytest.mark.parametrize(
    "folder", ["charsets", "malformed", "transfer-syntaxes", "rt", "multiframe-enhanced", "us", "seg-sr-reference"]
)
def test_every_object_is_read_or_refused_with_a_code(shared_data: Path, folder) -> None:
    outcomes = []
    with open_input(shared_data / folder) as found:
        source = FilePixelSource(found.paths)
        for series in (series for study in found.studies() for series in study.series):
            for kind in InputKind:
                try:
                    source.read(series, kind)
                    outcomes.append("read")
                except InputRefused as refusal:
                    outcomes.append(refusal.code)
        outcomes.extend(left.refusal.code for left in found.left_out if left.refusal is not None)
    assert outcomes
    assert not {InputRefused.code, GeometryRefused.code} & set(outcomes)
