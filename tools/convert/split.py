"""Split an ONNX file into a skeleton and a key map (see appliance/catalogue/skeleton.py).

Every floating-point parameter must be found in the source, by exact value: same name if possible, as it is or with its
axes permuted. Constants of the graph stay in the skeleton if they are integers, a few numbers, one value throughout, or
have a shape in `constants`: values of the architecture, such as an interpolation matrix or a grid of coordinates.
"""

import itertools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from appliance.catalogue.weight_files import READERS

Tensors = Mapping[str, np.ndarray]
Entry = dict[str, object]
FEW = 8  # a shape, an epsilon or the scales of a resize are no trained weights


def split(
    model: onnx.ModelProto, source: Tensors, *, constants: Sequence[tuple[int, ...]] = ()
) -> tuple[onnx.ModelProto, list[Entry]]:
    """The skeleton and the entries of its key map. `source`: tensors by `<alias>:<name>`."""
    strip(model)
    parameters = {tensor.name for tensor in model.graph.initializer}
    _share_constants(model)
    kept, entries = [], []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        fixed = tensor.name not in parameters and (_is_fixed(array) or array.shape in constants)
        if array.dtype.kind != "f" or fixed:
            kept.append(tensor)
        else:
            entries.append(find(tensor.name, array, source))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    return model, entries


def _is_fixed(array: np.ndarray) -> bool:
    """A few scalars, or one value throughout (the ones and zeros of a norm without affine part)."""
    return array.size < FEW or float(np.ptp(array)) == 0.0


def find(name: str, array: np.ndarray, source: Tensors) -> Entry:
    """The tensor of the source that is `array`; names that end alike are tried first."""
    ranked = sorted(source, key=lambda key: not key.endswith(name))
    for key in ranked:
        if source[key].size != array.size:
            continue
        for axes in _permutations(source[key].ndim):
            if source[key].transpose(axes).shape == array.shape and np.array_equal(source[key].transpose(axes), array):
                entry: Entry = {"name": name, "source": key, "shape": list(array.shape)}
                return entry if list(axes) == sorted(axes) else {**entry, "transpose": list(axes)}
    raise SystemExit(f"{name} {array.shape} is not in the source as it is")


def write(folder: Path, stem: str, model: onnx.ModelProto, entries: list[Entry]) -> None:
    """`<stem>.skeleton.onnx` and `<stem>.keymap.json` into the package folder."""
    (folder / f"{stem}.skeleton.onnx").write_bytes(model.SerializeToString(deterministic=True))
    lines = ",\n".join("  " + json.dumps(entry) for entry in entries)
    text = f'{{"schema": 1, "initialisers": [\n{lines}\n]}}\n'
    (folder / f"{stem}.keymap.json").write_text(text, encoding="utf-8")


def strip(model: onnx.ModelProto) -> None:
    """Drop what tells of the machine that exported: names, doc strings, inferred shapes."""
    model.producer_name, model.producer_version, model.doc_string = "appliance", "", ""
    model.graph.name = "main"
    del model.metadata_props[:]
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]


def _share_constants(model: onnx.ModelProto) -> None:
    """Constant nodes become initialisers, equal ones only once."""
    known: dict[bytes, str] = {}
    renamed: dict[str, str] = {}
    nodes = []
    for node in model.graph.node:
        if node.op_type != "Constant" or node.attribute[0].name != "value":
            nodes.append(node)
            continue
        tensor = node.attribute[0].t
        array = numpy_helper.to_array(tensor)
        content = repr((array.dtype.str, array.shape)).encode() + array.tobytes()
        if content not in known:
            known[content] = f"constant_{len(known)}"
            model.graph.initializer.append(numpy_helper.from_array(array, known[content]))
        renamed[node.output[0]] = known[content]
    for node in nodes:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _permutations(axes: int) -> Iterator[tuple[int, ...]]:
    """As it is, then from Keras' order (space, in, out), then all others."""
    yield tuple(range(axes))
    yield tuple([axes - 1, axes - 2, *range(axes - 2)][:axes])
    yield from itertools.permutations(range(axes))


def main(full: Path, stem: str, reader: str, weights: Path, folder: Path) -> None:
    """Split a full ONNX file whose weights are those of one file; its alias in the key map is `net`."""
    source = {f"net:{name}": array for name, array in READERS[reader](weights.read_bytes()).items()}
    write(folder, stem, *split(onnx.load(full), source))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5]))
