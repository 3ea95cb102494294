"""X-rays, colour and loops as planar images."""

from pathlib import Path

import numpy as np
import pytest

from appliance.domain.errors import InputTooLarge
from appliance.domain.model_package import InputKind
from appliance.study.headers import instance_of, series_of
from appliance.study.objects import ReadLimits
from appliance.study.reader import FilePixelSource
from tests.helpers.dicom_builder import blob_phantom, ct_series, projection, save, set_pixels
from tests.helpers.reading import read_as_image, read_images

RAMP = np.arange(30 * 20, dtype=np.uint16).reshape(30, 20)


def test_an_x_ray(tmp_path: Path) -> None:
    image = read_as_image(projection(RAMP, WindowCenter=[300, 1], WindowWidth=[600, 2]), tmp_path)
    np.testing.assert_array_equal(image.pixels, RAMP)
    assert image.pixels.dtype == np.float32
    assert not image.pixels.flags.writeable
    assert image.pixel_spacing_mm == (0.2, 0.2)
    assert image.spacing_source == "ImagerPixelSpacing"
    assert image.patient_orientation == ("L", "F")
    assert image.window == (300.0, 600.0)
    assert image.photometric_interpretation == "MONOCHROME2"
    assert image.frame.frame_number is None
    assert image.padding is None


def test_monochrome1_is_not_inverted_here(tmp_path: Path) -> None:
    image = read_as_image(projection(RAMP, photometric="MONOCHROME1"), tmp_path)
    np.testing.assert_array_equal(image.pixels, RAMP)
    assert image.photometric_interpretation == "MONOCHROME1"


def test_spacing_of_the_patient_is_preferred_and_nonsense_is_none(tmp_path: Path) -> None:
    image = read_as_image(projection(RAMP, PixelSpacing=[0.15, 0.14]), tmp_path / "a")
    assert (image.pixel_spacing_mm, image.spacing_source) == ((0.15, 0.14), "PixelSpacing")
    image = read_as_image(projection(RAMP, ImagerPixelSpacing=[0, 0], WindowCenter=5, WindowWidth=0), tmp_path / "b")
    assert image.pixel_spacing_mm is None
    assert image.window is None


def test_padding_of_an_x_ray(tmp_path: Path) -> None:
    item = projection(RAMP)
    item.add_new("PixelPaddingValue", "US", 0)
    item.add_new("PixelPaddingRangeLimit", "US", 9)
    image = read_as_image(item, tmp_path)
    assert image.padding is not None
    np.testing.assert_array_equal(image.padding, RAMP <= 9)


def test_colour(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (8, 9, 3)).astype(np.uint8)
    image = read_as_image(projection(picture, modality="US", photometric="RGB"), tmp_path)
    np.testing.assert_array_equal(image.pixels, picture)
    assert image.pixels.dtype == np.uint8
    assert image.window is None


@pytest.mark.parametrize(("count", "numbers"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (54, [1, 28, 54])])
def test_first_middle_and_last_frame_of_a_loop(count, numbers, tmp_path: Path) -> None:
    loop = np.arange(count, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    item = projection(loop[0], modality="US")
    set_pixels(item, loop)
    item.NumberOfFrames = count
    sources = read_images([item], tmp_path, InputKind.IMAGE).sources
    assert [source.frame.frame_number for source in sources] == numbers
    assert [int(source.pixels[0, 0]) + 1 for source in sources] == numbers


def test_of_many_objects_evenly_spread_ones_are_read(tmp_path: Path) -> None:
    items = ct_series(blob_phantom((40, 4, 4)))
    images = read_images(items, tmp_path, InputKind.IMAGE)
    read = [int(header.InstanceNumber) for header in images.headers]
    assert len(read) == len(images.sources) == 16
    assert read == sorted(read)
    assert (read[0], read[-1]) == (1, 40)


def test_images_above_the_limit_are_refused(tmp_path: Path) -> None:
    item = projection(RAMP)
    source = FilePixelSource(save([item], tmp_path), limits=ReadLimits(series_bytes=100))
    with pytest.raises(InputTooLarge):
        source.read(series_of([instance_of(item)]), InputKind.IMAGE)


def test_headers_are_clean(tmp_path: Path) -> None:
    item = projection(RAMP)
    item.add_new(0x00091001, "LO", "private")
    item.add_new(0x60003000, "OW", b"\0\0")
    item.SpecificCharacterSet = "ISO_IR 100"
    item.PatientName = "Müller^Jürgen"
    (header,) = read_images([item], tmp_path, InputKind.IMAGE).headers
    assert header.PatientName == "Müller^Jürgen"
    assert header.SpecificCharacterSet == "ISO_IR 192"
    assert 0x00091001 not in header
    assert 0x60003000 not in header
    assert "PixelData" not in header
    assert header.file_meta.TransferSyntaxUID == item.file_meta.TransferSyntaxUID
