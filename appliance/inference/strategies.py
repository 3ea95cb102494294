"""The strategies a manifest may name. A new strategy is one module and one line here."""

from collections.abc import Mapping
from types import MappingProxyType

from appliance.inference import generation, promptable, single_pass, slice_wise, sliding_window, text_spotting
from appliance.inference.strategy import Strategy

_ALL: tuple[Strategy, ...] = (
    single_pass.STRATEGY,
    slice_wise.STRATEGY,
    sliding_window.STRATEGY,
    promptable.STRATEGY,
    text_spotting.STRATEGY,
    generation.STRATEGY,
)

STRATEGIES: Mapping[str, Strategy] = MappingProxyType({strategy.name: strategy for strategy in _ALL})
"""Strategy by name."""

STRATEGY_OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType({s.name: s.options for s in _ALL})
"""The options that each strategy takes, for the catalogue's check."""
