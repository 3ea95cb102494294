"""Readers of foreign weight files: names and arrays out, nothing executed.

Every reader takes the bytes of the file and gives `{name: array}`; what it does not understand it refuses.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from appliance.catalogue.weight_files.hdf5 import read_hdf5
from appliance.catalogue.weight_files.tensors import Tensors
from appliance.catalogue.weight_files.torch_zip import read_torch_zip

Reader = Callable[[bytes], Tensors]

READERS: Mapping[str, Reader] = MappingProxyType({"hdf5": read_hdf5, "torch-zip": read_torch_zip})

__all__ = ["READERS", "Reader", "Tensors"]
