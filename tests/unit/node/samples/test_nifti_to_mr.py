"""A NIfTI volume keeps its place in the patient when it becomes an MR series."""

import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from scipy.spatial.transform import Rotation

from appliance.domain.errors import GantryTilt, GeometryMissing, TooFewSlices
from appliance.node.samples.nifti_to_mr import SeriesText, slice_stack, write_series

TEXT = SeriesText(
    series_description="T1 3D GRE (drawn)",
    study_description="Drawn",
    patient_name="DRAWN^T1",
    patient_id="DRAWN",
    derivation="Drawn by a test",
    repetition_time=18.0,
    echo_time=10.0,
    flip_angle=30.0,
)
SHAPE = (5, 4, 3)


def nifti(folder: Path, affine: np.ndarray, values: np.ndarray | None = None) -> Path:
    path = folder / "drawn.nii.gz"
    drawn = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) if values is None else values
    nibabel.Nifti1Image(drawn, affine).to_filename(path)
    return path


def where_voxels_are(files: tuple[Path, ...]) -> dict[int, np.ndarray]:
    """Stored value -> LPS position, from the headers alone (PS3.3 C.7.6.2.1.1)."""
    places = {}
    for path in files:
        dataset = dcmread(path)
        row_direction, column_direction = np.array(dataset.ImageOrientationPatient, float).reshape(2, 3)
        down, along = (float(value) for value in dataset.PixelSpacing)
        for (row, column), value in np.ndenumerate(dataset.pixel_array):
            offset = row_direction * along * column + column_direction * down * row
            places[int(value)] = np.array(dataset.ImagePositionPatient, float) + offset
    return places


@settings(deadline=None, max_examples=25)
@given(
    st.tuples(*[st.floats(-180, 180)] * 3),
    st.tuples(*[st.floats(0.3, 6.0)] * 3),
    st.tuples(*[st.floats(-300, 300)] * 3),
    st.booleans(),
)
def test_every_voxel_keeps_its_place_for_any_affine(tmp_path_factory, angles, spacing, origin, mirrored) -> None:
    affine = np.eye(4)
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    affine[:3, :3] = turn @ np.diag([*spacing[:2], -spacing[2] if mirrored else spacing[2]])
    affine[:3, 3] = origin
    folder = tmp_path_factory.mktemp("series")
    source = nifti(folder, affine)
    # single precision, as the file holds it
    declared = nibabel.load(source).affine
    places = where_voxels_are(write_series(source, folder / "out", TEXT))
    assert len(places) == np.prod(SHAPE)
    for index in np.ndindex(*SHAPE):
        right, anterior, superior = (declared @ [*index, 1])[:3]
        assert places[int(np.ravel_multi_index(index, SHAPE))] == pytest.approx([-right, -anterior, superior], abs=1e-3)


def test_slices_are_axial_with_rows_to_the_left_and_columns_to_the_back(tmp_path: Path) -> None:
    files = write_series(nifti(tmp_path, np.diag([1.0, 2.0, 3.0, 1.0])), tmp_path / "out", TEXT)
    first, second = dcmread(files[0]), dcmread(files[1])
    assert list(first.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
    assert list(first.PixelSpacing) == [2, 1]
    assert second.ImagePositionPatient[2] - first.ImagePositionPatient[2] == 3
    assert (first.Rows, first.Columns, len(files)) == (4, 5, 3)


def test_the_same_volume_gives_the_same_files(tmp_path: Path) -> None:
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    one = write_series(nifti(tmp_path, affine), tmp_path / "one", TEXT)
    two = write_series(nifti(tmp_path, affine), tmp_path / "two", TEXT)
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    other = write_series(nifti(tmp_path, np.diag([1.0, 1.0, 2.5, 1.0])), tmp_path / "other", TEXT)
    assert dcmread(other[0]).StudyInstanceUID != dcmread(one[0]).StudyInstanceUID


def test_values_outside_twelve_bits_are_scaled(tmp_path: Path) -> None:
    values = np.linspace(-1, 1, 60, dtype=np.float32).reshape(SHAPE)
    stored = np.concatenate(
        [dcmread(path).pixel_array.ravel() for path in write_series(nifti(tmp_path, np.eye(4), values), tmp_path, TEXT)]
    )
    assert (stored.min(), stored.max(), len(np.unique(stored))) == (0, 4095, 60)


def test_the_object_is_a_valid_mr_image(tmp_path: Path) -> None:
    path = write_series(nifti(tmp_path, np.eye(4)), tmp_path / "out", TEXT)[1]
    said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    assert "MRImage" in said.stderr
    assert "Error" not in said.stderr


def test_geometry_that_dicom_cannot_hold_is_refused(tmp_path: Path) -> None:
    values, sheared = np.zeros(SHAPE), np.eye(4)
    sheared[0, 2] = 0.2
    with pytest.raises(GantryTilt):
        slice_stack(values, sheared)
    with pytest.raises(GeometryMissing):
        slice_stack(values, np.diag([1.0, 0.0, 1.0, 1.0]))
    with pytest.raises(TooFewSlices):
        slice_stack(np.zeros((4, 4)), np.eye(4))
    image = nibabel.Nifti1Image(values, None)
    image.to_filename(tmp_path / "nowhere.nii")
    with pytest.raises(GeometryMissing):
        write_series(tmp_path / "nowhere.nii", tmp_path / "out", TEXT)
