"""A graph without its weights, and the key map that says which weight of the source goes where.

A skeleton is an ONNX file whose trained initialisers have been left out; what stays in it are constants of the
architecture (shapes, indices, interpolation matrices). The key map is a JSON file beside it:

    {"schema": 1,
     "initialisers": [{"name": "conv.weight", "source": "net:conv.weight", "shape": [8, 4], "transpose": [1, 0]}]}

`source` is `<alias of the member>:<name of the tensor>`; `transpose` (a permutation of axes) is applied first,
`shape` must be what then results. Both files are written by `tools/convert`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import onnx
from onnx import numpy_helper
from pydantic import Field, ValidationError

from appliance.catalogue.manifest_tables import Table, explain
from appliance.catalogue.weight_files import Tensors
from appliance.domain.errors import RecipeRefused


class Initialiser(Table):
    """Where one initialiser of the graph comes from."""

    name: str
    source: str
    shape: tuple[Annotated[int, Field(ge=0)], ...]
    transpose: tuple[int, ...] | None = None


class KeyMap(Table):
    """The whole file."""

    schema_: Literal[1] = Field(alias="schema")
    initialisers: tuple[Initialiser, ...]


def read_key_map(path: Path) -> KeyMap:
    """Parse a key map. Raises RecipeRefused."""
    try:
        return KeyMap.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        detail = explain(error, KeyMap) if isinstance(error, ValidationError) else type(error).__name__
        raise RecipeRefused(f"the key map is not valid: {detail}", where=path.name) from error


def fill(skeleton: Path, key_map: KeyMap, weights: Mapping[str, Tensors]) -> bytes:
    """The finished ONNX file: the skeleton with the weights of the source, by alias of the member.

    The same skeleton, key map and weights give the same bytes. Raises RecipeRefused.
    """
    model = _load(skeleton)
    present = {tensor.name for tensor in model.graph.initializer}
    for entry in key_map.initialisers:
        if entry.name in present:
            raise RecipeRefused(f"the skeleton already has {entry.name}", where=skeleton.name)
        model.graph.initializer.append(numpy_helper.from_array(_take(entry, weights), entry.name))
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise RecipeRefused("the skeleton and its key map do not make a valid graph", where=skeleton.name) from error
    finished: bytes = model.SerializeToString(deterministic=True)
    return finished


def _load(skeleton: Path) -> Any:
    try:
        return onnx.load_model(skeleton, load_external_data=False)
    except Exception as error:  # protobuf's DecodeError derives from Exception only
        raise RecipeRefused("the skeleton cannot be read", where=skeleton.name) from error


def _take(entry: Initialiser, weights: Mapping[str, Tensors]) -> np.ndarray[Any, Any]:
    alias, _, name = entry.source.partition(":")
    tensor = weights.get(alias, {}).get(name)
    if tensor is None:
        raise RecipeRefused(f"the source has no tensor {entry.source!r}")
    if entry.transpose is not None:
        if sorted(entry.transpose) != list(range(tensor.ndim)):
            raise RecipeRefused(f"{entry.source!r} cannot be transposed by {list(entry.transpose)}")
        tensor = tensor.transpose(entry.transpose)
    if tensor.shape != entry.shape:
        raise RecipeRefused(f"{entry.source!r} has the shape {tensor.shape}, not {entry.shape}")
    return np.ascontiguousarray(tensor).reshape(entry.shape)
