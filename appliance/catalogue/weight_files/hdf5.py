"""Weights in HDF5, as Keras writes them (`model.save_weights`)."""

import io

import h5py
import numpy as np

from appliance.catalogue.weight_files.tensors import Array, Tensors
from appliance.domain.errors import RecipeRefused


def read_hdf5(content: bytes) -> Tensors:
    """Every numeric data set, by its path inside the file.

    External links and virtual data sets, which would read other files of this machine, are refused, and so is what is
    not a number.
    """
    tensors: dict[str, Array] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            tensors[name] = _numbers(name, item)

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            file.visititems(visit)
    except (OSError, RuntimeError, ValueError) as error:
        raise RecipeRefused("the weight file is not HDF5 or is damaged") from error
    return tensors


def _numbers(name: str, data_set: h5py.Dataset) -> Array:
    if data_set.is_virtual or data_set.external:
        raise RecipeRefused("a data set refers to another file", where=name)
    if data_set.dtype.kind not in "fiu":
        raise RecipeRefused("a data set does not hold numbers", where=name)
    return np.asarray(data_set[()])
