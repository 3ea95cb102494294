"""Universal Binary JSON."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.catalogue.weight_files.ubjson import parse_ubjson
from appliance.domain.errors import RecipeRefused
from tests.unit.catalogue.foreign import ubjson

small = st.recursive(
    st.integers(-128, 127) | st.booleans() | st.text("abcü", max_size=0) | st.text("abc"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=20,
)


@given(small)
def test_what_was_written_is_read(value: object) -> None:
    assert parse_ubjson(ubjson(value)) == value


@pytest.mark.parametrize("dtype", ["f4", "i4", "u1", "i8"])
def test_typed_arrays_become_numpy_arrays_of_this_machine(dtype: str) -> None:
    values = np.array([0, 1, 2], dtype)
    read = parse_ubjson(ubjson({"a": values, "empty": values[:0]}))
    assert read["a"].dtype == values.dtype
    np.testing.assert_array_equal(read["a"], values)
    assert read["empty"].size == 0


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        parse_ubjson(content)
    except RecipeRefused as refused:
        assert "UBJSON" in refused.what or "after its end" in refused.what  # noqa: PT017


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}',
        b"[$d#L" + b"\x7f" * 8,  # says more than it holds
        b"[$d#L" + b"\xff" * 8,
        b"[#i\x01" * 5000,  # nested without end
        ubjson({"a": "b"})[:-1],
        ubjson({"a": "b"}) + b"x",
    ],
)
def test_damage_is_refused(content: bytes) -> None:
    with pytest.raises(RecipeRefused):
        parse_ubjson(content)
