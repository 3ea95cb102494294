"""Options of strategies are what they should be, and every strategy is offered with its options."""

import pytest

from appliance.domain.errors import ManifestInvalid
from appliance.inference.strategies import STRATEGIES, STRATEGY_OPTIONS
from appliance.inference.strategy import as_numbers, choice, number, numbers


def test_every_strategy_is_offered_under_its_own_name() -> None:
    assert set(STRATEGIES) == {
        "single_pass", "slice_wise", "sliding_window", "promptable", "text_spotting", "generation"
    }  # fmt: skip
    assert all(strategy.name == name and strategy.roles for name, strategy in STRATEGIES.items())
    assert {name: strategy.options for name, strategy in STRATEGIES.items()} == STRATEGY_OPTIONS


def test_numbers_are_numbers() -> None:
    assert number({"a": 3}, "a", 1.0) == 3.0
    assert number({}, "a", 1.0) == 1.0
    assert numbers({"a": (1, 2.5)}, "a", 2) == (1.0, 2.5)
    assert numbers({}, "a", 2) is None
    for value in ("3", True, (1.0,)):
        with pytest.raises(ManifestInvalid, match="`a`"):
            number({"a": value}, "a", 1.0)
    for value in ((1,), (1, True), (1, "2"), 5, "12"):
        with pytest.raises(ManifestInvalid, match="`a`"):
            as_numbers(value, "a", 2)


def test_a_choice_is_one_of_those_offered() -> None:
    assert choice({}, "a", ("x", "y")) == "x"
    assert choice({"a": "y"}, "a", ("x", "y")) == "y"
    for value in ("z", 1, True):
        with pytest.raises(ManifestInvalid, match="x, y"):
            choice({"a": value}, "a", ("x", "y"))
