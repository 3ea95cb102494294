"""Decimal Strings: never too long, never wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.results.decimal_strings import LONGEST, decimal_string

ORDINARY = st.floats(min_value=-1e15, max_value=1e15, allow_nan=False)


@given(ORDINARY)
def test_any_number_fits_and_comes_back(value: float) -> None:
    text = decimal_string(value)
    assert len(text) <= LONGEST
    assert float(text) == pytest.approx(value, rel=1e-8, abs=1e-300)


@pytest.mark.parametrize("value", [-9.999999999999998, -99.99999999999999, 9.999999999999998, -1.7763568394002505e-15])
def test_numbers_that_round_to_one_digit_more_fit(value: float) -> None:
    text = decimal_string(value)
    assert len(text) <= LONGEST
    assert float(text) == pytest.approx(value, rel=1e-9)
