"""Weights in PyTorch's zip format (`torch.save`, `torch.jit.save`), read without torch and without unpickling code.

The format is a zip of a pickle (`data.pkl`) that describes tensors and one file of raw numbers per storage. A pickle is
a program; what makes it dangerous is that it may name any importable function and have it called. Here no name in the
file is ever imported: `_Unpickler.find_class` maps a fixed list of names to stand-ins of this module and refuses all
others, so the only code that a file can reach is what stands below, and that only makes arrays, plain dictionaries and
empty records. Modules of TorchScript (`__torch__.…`) become records of their attributes; their code is not read.

Source of the layout: https://pytorch.org/docs/stable/notes/serialization.html
"""

import io
import pickle
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from appliance.catalogue.weight_files.tensors import Array, Tensors
from appliance.domain.errors import RecipeRefused

_DESCRIPTION = "data.pkl"
_LARGEST_DESCRIPTION = 4 << 20
_LARGEST_STORAGE = 1 << 30
_STORAGES: dict[str, np.dtype[Any]] = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("<i1"),
    "ByteStorage": np.dtype("<u1"),
    "BoolStorage": np.dtype("?"),
}
_SCRIPT = "__torch__"


def read_torch_zip(content: bytes) -> Tensors:
    """Every tensor of a state dict or TorchScript module, by its dotted name; a lone tensor has the name "".

    Raises RecipeRefused for another format, for a name that weights do not need, and for damage.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return dict(_named_tensors(_Unpickler(_Storages(archive)).load(), ""))
    except RecipeRefused:
        raise
    except Exception as error:  # a hostile pickle can raise anything
        raise RecipeRefused(f"the weight file is not a readable PyTorch archive ({type(error).__name__})") from error


class _StateDict(dict[str, Any]):
    """Stand-in for `collections.OrderedDict`: takes (and drops) the attributes that torch adds to a state dict."""

    def __setstate__(self, state: object) -> None:
        """Drop the metadata."""


class _ScriptModule:
    """Stand-in for every TorchScript class: a record of its attributes."""

    attributes: dict[str, Any]

    def __setstate__(self, state: dict[str, Any]) -> None:
        if not isinstance(state, dict):
            raise RecipeRefused("a TorchScript module has no attributes")
        self.attributes = state


class _Storages:
    """The files of raw numbers, read once each."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        descriptions = [name for name in archive.namelist() if name.split("/")[1:] == [_DESCRIPTION]]
        if len(descriptions) != 1:
            raise RecipeRefused("the weight file has no description of its tensors")
        self._root = descriptions[0].removesuffix(_DESCRIPTION)
        self._known: dict[tuple[str, str], Array] = {}
        order = self._root + "byteorder"
        if order in archive.namelist() and archive.read(order) != b"little":
            raise RecipeRefused("the weight file is big-endian")

    def description(self) -> io.BytesIO:
        return io.BytesIO(self._read(_DESCRIPTION, _LARGEST_DESCRIPTION))

    def numbers(self, key: str, dtype: np.dtype[Any]) -> Array:
        known = (key, dtype.str)
        if known not in self._known:
            self._known[known] = np.frombuffer(self._read(f"data/{key}", _LARGEST_STORAGE), dtype)
        return self._known[known]

    def _read(self, name: str, largest: int) -> bytes:
        if self._archive.getinfo(self._root + name).file_size > largest:
            raise RecipeRefused("a part of the weight file is larger than any that is expected", where=name)
        return self._archive.read(self._root + name)


class _Unpickler(pickle.Unpickler):
    """Builds stand-ins only; see the module's text."""

    def __init__(self, storages: _Storages) -> None:
        super().__init__(storages.description())
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return _StateDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _TensorMaker()
        if module == "torch" and name in _STORAGES:
            return name
        if module == _SCRIPT or module.startswith(f"{_SCRIPT}."):
            return _ScriptModule
        raise RecipeRefused(f"the weight file asks for {module}.{name}, which weights do not need")

    def persistent_load(self, pid: Any) -> Array:
        kind, storage, key, _device, _count = pid
        if kind != "storage" or storage not in _STORAGES or not isinstance(key, str):
            raise RecipeRefused("the weight file refers to something that is no storage")
        return self._storages.numbers(key, _STORAGES[storage])


class _TensorMaker:
    """Stand-in for `torch._utils._rebuild_tensor_v2`. It has no attribute that a pickle could set."""

    __slots__ = ()

    def __call__(
        self, storage: Array, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_hooks: object
    ) -> Array:
        """The array of `shape` that lies at `offset` in `storage`; strides count numbers, not bytes."""
        if not isinstance(storage, np.ndarray) or len(shape) != len(strides) or min((offset, *shape, *strides)) < 0:
            raise RecipeRefused("a tensor of the weight file has no sensible shape")
        count = int(np.prod(shape, dtype=np.int64))
        reach = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True)) + 1
        if count and max(reach, count) > storage.size:
            raise RecipeRefused("a tensor of the weight file reaches beyond its storage")
        steps = [stride * storage.dtype.itemsize for stride in strides]
        return np.array(np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False))


def _named_tensors(node: object, name: str) -> Iterator[tuple[str, Array]]:
    if isinstance(node, np.ndarray):
        yield name, node
    children = node.attributes if isinstance(node, _ScriptModule) else node
    if isinstance(children, dict):
        for key, child in children.items():
            yield from _named_tensors(child, f"{name}.{key}" if name else str(key))
