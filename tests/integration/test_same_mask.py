"""One body stored in every way gives one mask in patient space: files in, SEG out, read back by dcmqi."""

from collections.abc import Sequence
from itertools import permutations, product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from appliance.bootstrap import Appliance
from appliance.domain.image import Mask
from appliance.services.folder import take_in
from appliance.settings import Settings
from appliance.store.clock import utc_now
from appliance.study.files import open_input
from tests.helpers import validators
from tests.helpers.dicom_builder import Phantom, axial_affine, blob_phantom, compressed, ct_series, enhanced_ct, rotated
from tests.helpers.dicom_builder import save as save_objects
from tests.helpers.tiny_models import write_threshold_package

STEPS = """
  { step = "orient", axes = "RAS" },
  { step = "crop_to_body", above = -200.0 },
  { step = "resample", spacing = [1.5, 1.5, 1.5] },
  { step = "median", size = 3 },
"""
"""As a model of an organ would ask for: another orientation, another grid, a filter that looks at neighbours."""

SYNTAXES = {
    "native": None,
    "JPEG lossless": JPEGLosslessSV1,
    "JPEG-LS": JPEGLSLossless,
    "JPEG 2000": JPEG2000Lossless,
    "RLE": RLELossless,
}
AXES = list(permutations(range(3)))
FLIPS = list(product((False, True), repeat=3))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_threshold_package(folder, threshold=0.0, steps=STEPS)
    return folder


@pytest.fixture(scope="module")
def expected(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Mask:
    """The mask on the grid of the phantom, of the plain axial series."""
    body = blob_phantom()
    mask = mask_of(ct_series(body), body, models, tmp_path_factory.mktemp("axial"))
    assert 0.1 < mask.mean() < 0.5
    return mask


def mask_of(objects: Sequence[Dataset], body: Phantom, models: Path, folder: Path) -> Mask:
    """Objects through the pipeline to a SEG; what dcmqi reads of it, on the grid of `body`."""
    save_objects(objects, folder / "in")
    settings = Settings(home=folder, models_dir=models)
    node = Appliance(settings)
    with open_input(folder / "in") as found:
        (study,) = take_in(found, node.instances, utc_now())
        node.planner.plan(study)
        while work := node.workitems.runnable():
            node.analyst.run(work[0].uid, "test")
        (segmentation,) = [item for item in node.results.of_study(study) if item.kind == "SEG"]
        file = node.result_files.path(segmentation.path)
    node.close()
    assert dcmread(file, stop_before_pixels=True).FrameOfReferenceUID == objects[0].FrameOfReferenceUID
    return on_grid(validators.segment_points(file, folder / "dcmqi")[1], body)


def on_grid(points: npt.NDArray[np.float64], body: Phantom) -> Mask:
    """The voxels of `body` whose centres are `points` (LPS mm); every point must be one."""
    index = (np.linalg.inv(body.affine) @ np.c_[points, np.ones(len(points))].T)[:3].T
    assert np.abs(index - np.round(index)).max() < 0.02
    mask = np.zeros(body.values.shape, bool)
    mask[tuple(np.round(index).astype(int).T)] = True
    return mask


def stored(
    body: Phantom, axes: Sequence[int], flips: Sequence[bool], syntax: str, multiframe: bool, seed: int
) -> list[Dataset]:
    """The body along these axes, as single frames in any order or as one enhanced object with its frames in any."""
    turned = body.stored(axes, flips)
    objects = [enhanced_ct(turned, shuffle=seed)] if multiframe else ct_series(turned)
    if (encoding := SYNTAXES[syntax]) is not None:
        objects = [compressed(item, encoding) for item in objects]
    np.random.default_rng(seed).shuffle(objects)  # type: ignore[arg-type]
    return objects


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    axes=st.sampled_from(AXES),
    flips=st.sampled_from(FLIPS),
    degrees=st.tuples(*[st.integers(-25, 25)] * 3),
    syntax=st.sampled_from(sorted(SYNTAXES)),
    multiframe=st.booleans(),
    seed=st.integers(0, 999),
)
def test_any_storage_gives_the_same_mask(
    axes, flips, degrees, syntax, multiframe, seed, models: Path, expected: Mask, tmp_path_factory
) -> None:
    body = blob_phantom(affine=rotated(axial_affine(), degrees))
    objects = stored(body, axes, flips, syntax, multiframe, seed)
    mask = mask_of(objects, body, models, tmp_path_factory.mktemp("stored"))
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("multiframe", [False, True], ids=["single frames", "enhanced"])
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("axes", "flips"),
    [
        ((0, 1, 2), (True, False, False)),
        ((2, 0, 1), (False, True, False)),
        ((1, 0, 2), (True, True, True)),
    ],
    ids=["axial reversed", "sagittal", "coronal"],
)
def test_each_named_storage_gives_the_same_mask(
    axes, flips, syntax: str, multiframe: bool, models: Path, expected: Mask, tmp_path: Path
) -> None:
    body = blob_phantom()
    mask = mask_of(stored(body, axes, flips, syntax, multiframe, 3), body, models, tmp_path)
    np.testing.assert_array_equal(mask, expected)
