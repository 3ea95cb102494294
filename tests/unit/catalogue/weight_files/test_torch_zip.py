"""Torch archives are read as data: right numbers for honest ones, a refusal and no effect for hostile ones."""

from pathlib import Path

import numpy as np
import pytest

from appliance.catalogue.weight_files import READERS
from appliance.domain.errors import RecipeRefused
from tests.unit.catalogue import foreign as f

read = READERS["torch-zip"]
NUMBERS = np.arange(12, dtype=np.float32)


def test_a_state_dict_gives_its_tensors_by_name() -> None:
    program = f.state_dict({"a.weight": f.tensor("0", (3, 4), (4, 1)), "a.bias": f.tensor("1", (2,), (1,))})
    tensors = read(f.torch_zip(program, {"0": NUMBERS, "1": NUMBERS[:2]}))
    assert list(tensors) == ["a.weight", "a.bias"]
    np.testing.assert_array_equal(tensors["a.weight"], NUMBERS.reshape(3, 4))


def test_strides_and_offset_count_numbers() -> None:
    tensors = read(f.torch_zip(f.state_dict({"t": f.tensor("0", (4, 2), (1, 4), offset=4)}), {"0": NUMBERS}))
    np.testing.assert_array_equal(tensors["t"], NUMBERS[4:].reshape(2, 4).T)


@pytest.mark.parametrize(
    ("storage", "dtype"),
    [
        ("DoubleStorage", "f8"),
        ("HalfStorage", "f2"),
        ("LongStorage", "i8"),
        ("ByteStorage", "u1"),
        ("BoolStorage", "?"),
    ],
)
def test_every_kind_of_number(storage: str, dtype: str) -> None:
    values = np.array([0, 1, 1, 0], dtype)
    tensors = read(f.torch_zip(f.state_dict({"t": f.tensor("0", (4,), (1,), storage=storage)}), {"0": values}))
    assert tensors["t"].dtype == values.dtype
    np.testing.assert_array_equal(tensors["t"], values)


def test_modules_of_torchscript_are_records_of_their_attributes() -> None:
    inner = f.script_module({"weight": f.tensor("0", (2,), (1,)), "training": b"\x89", "extra": b"N"}, "Linear")
    tensors = read(f.torch_zip(f.script_module({"layer": inner}), {"0": NUMBERS[:2]}))
    assert list(tensors) == ["layer.weight"]


def test_a_lone_tensor_and_a_scalar() -> None:
    tensors = read(f.torch_zip(f.tensor("0", (), ()), {"0": NUMBERS[7:8]}))
    assert tensors[""].shape == ()
    assert tensors[""] == 7.0


def call(module: str, name: str, argument: str) -> bytes:
    return f"c{module}\n{name}\n".encode() + f.sequence(f.text(argument)) + b"R"


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"), ("torch", "load"),
     ("torch.serialization", "load"), ("collections", "namedtuple"), ("__torch", "x"), ("importlib", "import_module")],
)  # fmt: skip
def test_no_name_of_the_file_is_resolved(tmp_path: Path, module: str, name: str) -> None:
    """The argument would leave a trace under each way to run it."""
    trace = tmp_path / "ran"
    command = f"touch {trace}" if name == "system" else f"__import__('pathlib').Path({str(trace)!r}).touch()"
    hostile = f.torch_zip(f.state_dict({"a": call(module, name, command)}), {})
    with pytest.raises(RecipeRefused, match=f"asks for {module}.{name}"):
        read(hostile)
    assert not trace.exists()


def test_the_stack_global_of_newer_protocols_is_held_to_the_same_list(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    program = f.text("os") + f.text("system") + b"\x93" + f.sequence(f.text(f"touch {trace}")) + b"R"
    with pytest.raises(RecipeRefused, match=r"asks for os\.system"):
        read(f.torch_zip(program, {}))
    assert not trace.exists()


@pytest.mark.parametrize(
    "program",
    [
        f.tensor("0", (13,), (1,)),  # beyond the storage
        f.tensor("0", (4,), (4,)),
        f.tensor("0", (2,), (1,), offset=11),
        f.tensor("0", (2,), (1,), offset=-1),
        f.tensor("0", (2,), (-1,)),
        f.tensor("0", (2, 2), (1,)),
        f.tensor("0", (1 << 20, 1 << 20), (0, 0)),  # a terabyte out of one number
        f.tensor("absent", (2,), (1,)),
        f.tensor("../../data.pkl", (2,), (1,)),
        f.sequence(f.text("module"), f.text("x"), f.text("0"), f.text("cpu"), f.number(1)) + b"Q",
        b"c__torch__.a\nB\n)\x81" + f.number(3) + b"b",
        b"ctorch._utils\n_rebuild_tensor_v2\n" + b"}" + f.items({"__code__": f.number(1)}) + b"b",
        f.text("unfinished") + b"(",
        b"",
    ],
)
def test_nonsense_is_refused(program: bytes) -> None:
    with pytest.raises(RecipeRefused):
        read(f.torch_zip(program, {"0": NUMBERS}))


@pytest.mark.parametrize("content", [b"", b"PK", f.torch_zip(f.tensor("0", (2,), (1,)), {"0": NUMBERS})[:-30]])
def test_another_or_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(RecipeRefused):
        read(content)


def test_big_endian_numbers_are_refused_rather_than_misread() -> None:
    with pytest.raises(RecipeRefused, match="big-endian"):
        read(f.torch_zip(f.tensor("0", (2,), (1,)), {"0": NUMBERS}, byteorder=b"big"))
