"""What every pixel source must do (`domain.ports.PixelSource`); each implementation of it is listed in SOURCES."""

import atexit
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from appliance.domain.errors import InputRefused
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.image import PlanarImage, Volume
from appliance.domain.model_package import InputKind
from appliance.domain.ports import PixelSource
from appliance.domain.study import Series
from appliance.study.children.pool import Children
from appliance.study.children.source import ChildPixelSource
from tests.helpers.dicom_builder import blob_phantom, ct_series, enhanced_ct, projection, save
from tests.helpers.reading import stored_series

MakeSource = Callable[[Iterable[Dataset], Path], tuple[Series, PixelSource]]


@cache
def _children() -> Children:
    pool = Children(2)
    atexit.register(pool.close)
    return pool


def _in_children(items: Iterable[Dataset], folder: Path) -> tuple[Series, PixelSource]:
    items = list(items)
    series, _ = stored_series(items, folder / "first")
    return series, ChildPixelSource(save(items, folder / "second"), _children())


SOURCES: dict[str, MakeSource] = {"files": stored_series, "children": _in_children}

pytestmark = pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)


@pytest.mark.parametrize("objects", [ct_series, lambda phantom: [enhanced_ct(phantom)]], ids=["slices", "enhanced"])
def test_a_volume_is_one_source_with_a_reference_per_slice(make: MakeSource, objects, tmp_path: Path) -> None:
    phantom = blob_phantom()
    items = objects(phantom)
    series, source = make(items, tmp_path)
    images = source.read(series, InputKind.VOLUME)
    (volume,) = images.sources
    assert isinstance(volume, Volume)
    assert volume.voxels.dtype == np.float32
    np.testing.assert_array_equal(volume.voxels, phantom.values)
    np.testing.assert_allclose(volume.affine, phantom.affine, atol=1e-6)
    assert len(volume.frames) == len(phantom.values)
    assert volume.frame_of_reference_uid == items[0].FrameOfReferenceUID
    assert {frame.sop_instance_uid for frame in volume.frames} == set(series.sop_instance_uids)
    assert [header.SOPInstanceUID for header in images.headers] == list(
        dict.fromkeys(frame.sop_instance_uid for frame in volume.frames)
    )
    assert not any("PixelData" in header for header in images.headers)


def test_planar_images_are_one_source_per_frame(make: MakeSource, tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)
    first, second = projection(pixels, seed="p"), projection(pixels + 1, seed="p", InstanceNumber=2)
    second.SOPInstanceUID = second.file_meta.MediaStorageSOPInstanceUID = first.SOPInstanceUID + ".2"
    series, source = make([second, first], tmp_path)
    images = source.read(series, InputKind.IMAGE)
    assert all(isinstance(image, PlanarImage) for image in images.sources)
    assert [int(image.pixels[0, 0]) for image in images.sources] == [0, 1]
    assert [header.InstanceNumber for header in images.headers] == [1, 2]


def test_models_that_read_the_same_series_share_it(make: MakeSource, tmp_path: Path) -> None:
    series, source = make(ct_series(blob_phantom()), tmp_path)
    first, second = source.read(series, InputKind.VOLUME), source.read(series, InputKind.VOLUME)
    assert first.sources[0] is second.sources[0]
    assert not first.sources[0].voxels.flags.writeable


def test_what_cannot_be_read_is_refused_with_a_code(make: MakeSource, tmp_path: Path) -> None:
    series, source = make(ct_series(blob_phantom())[:1], tmp_path)
    with pytest.raises(InputRefused) as refusal:
        source.read(series, InputKind.VOLUME)
    assert refusal.value.code == "geometry-too-few-slices"
    assert refusal.value.where == series.series_instance_uid


def test_an_unknown_instance_is_refused(make: MakeSource, tmp_path: Path) -> None:
    series, source = make(ct_series(blob_phantom()), tmp_path)
    stranger = replace(series.instances[0], sop_instance_uid=SOPInstanceUID("1.2.3"))
    with pytest.raises(InputRefused):
        source.read(replace(series, instances=(*series.instances, stranger)), InputKind.VOLUME)
