"""Volumes and images: lengths from the affine, shapes without channels."""

import numpy as np
import pytest

from appliance.domain.image import GridImage, PlanarImage, Volume, source_shape, source_values
from tests.helpers.dicom_builder import axial_affine, blob_phantom, rotated
from tests.helpers.findings import planar_images, stack_images


def volume(affine: np.ndarray) -> Volume:
    return Volume(
        voxels=np.zeros((2, 3, 4), np.float32), affine=affine, frames=(), frame_of_reference_uid="1", modality="CT"
    )


@pytest.mark.parametrize("degrees", [(0, 0, 0), (30, -20, 70)])
def test_spacing_and_voxel_size_do_not_depend_on_orientation(degrees: tuple[int, int, int]) -> None:
    turned = volume(rotated(axial_affine(spacing=(2.0, 1.0, 0.8)), degrees))
    assert turned.spacing_mm == pytest.approx((2.0, 1.0, 0.8))
    assert turned.voxel_ml == pytest.approx(0.0016)


def test_a_mirrored_grid_has_a_positive_voxel_size() -> None:
    mirrored = axial_affine()
    mirrored[:3, 2] *= -1
    assert volume(mirrored).voxel_ml > 0


def test_a_source_has_values_and_a_spatial_shape() -> None:
    (stack,) = stack_images(blob_phantom()).sources
    assert source_values(stack).shape == source_shape(stack)
    (image,) = planar_images().sources
    assert isinstance(image, PlanarImage)
    assert source_shape(image) == source_values(image).shape[:2]


def test_a_colour_image_has_two_spatial_axes() -> None:
    (image,) = planar_images().sources
    assert isinstance(image, PlanarImage)
    colour = PlanarImage(
        pixels=np.zeros((5, 6, 3), np.uint8), frame=image.frame, photometric_interpretation="RGB", modality="US"
    )
    assert source_shape(colour) == (5, 6)


@pytest.mark.parametrize("shape", [(1, 2, 3, 4), (2, 5, 6), (7,)])
def test_a_grid_leaves_the_channel_out_of_its_shape(shape: tuple[int, ...]) -> None:
    grid = GridImage(values=np.zeros(shape), to_source=np.eye(len(shape)), source_shape=shape[1:])
    assert grid.spatial_shape == shape[1:]
