"""HDF5: data sets by path; nothing that leads out of the file."""

import io
from pathlib import Path

import h5py
import numpy as np
import pytest

from appliance.catalogue.weight_files import READERS
from appliance.domain.errors import RecipeRefused

read = READERS["hdf5"]


def test_data_sets_by_their_path() -> None:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["conv/kernel:0"] = np.arange(6, dtype=np.float32).reshape(2, 3)
        file["conv/bias:0"] = np.ones(3, np.float32)
        file.create_group("input")
    tensors = read(content.getvalue())
    assert sorted(tensors) == ["conv/bias:0", "conv/kernel:0"]
    np.testing.assert_array_equal(tensors["conv/kernel:0"], [[0, 1, 2], [3, 4, 5]])


def test_numbers_that_lie_in_another_file_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"\x01" * 16)
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.create_dataset("weight", (4,), "f4", external=[(str(secret), 0, 16)])
    with pytest.raises(RecipeRefused, match="refers to another file"):
        read((tmp_path / "weights.h5").read_bytes())


def test_a_virtual_data_set_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "weight", (4,))
        file.create_virtual_dataset("weight", layout)
    with pytest.raises(RecipeRefused, match="refers to another file"):
        read((tmp_path / "weights.h5").read_bytes())


def test_an_external_link_is_not_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["weight"] = np.ones(4, np.float32)
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["linked"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "weight")
    assert read((tmp_path / "weights.h5").read_bytes()) == {}


def test_texts_and_objects_are_refused() -> None:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["weight"] = "text"
    with pytest.raises(RecipeRefused, match="does not hold numbers"):
        read(content.getvalue())


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04" * 100])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(RecipeRefused, match="not HDF5"):
        read(content)
