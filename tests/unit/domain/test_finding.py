"""Findings: masks are neither compared nor printed."""

from dataclasses import replace

import numpy as np

from appliance.domain.finding import Outcome
from tests.helpers.findings import segment


def test_a_mask_is_neither_compared_nor_printed() -> None:
    one = segment(np.ones((2, 2), bool))
    assert one == replace(one, mask=np.zeros((2, 2), bool))
    assert "mask" not in repr(one)


def test_outcomes_are_plain_words() -> None:
    assert [str(outcome) for outcome in Outcome] == ["positive", "negative", "limited", "informative"]
