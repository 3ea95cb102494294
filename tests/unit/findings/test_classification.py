"""Probabilities become decisions at the operating points of the manifest."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.coding import ABSENT, ORGAN, PRESENT, UNDETERMINED, CodedConcept
from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.domain.finding import Evaluation, OperatingPoint, Outcome
from appliance.domain.model_package import Label
from appliance.findings.classification import FAMILY, interpret
from tests.helpers.findings import package
from tests.helpers.shapes import image, on_source_grid

NODULE = CodedConcept("27925004", "SCT", "Nodule")
EFFUSION = CodedConcept("60046008", "SCT", "Pleural effusion")
LABELS = (
    Label(value=0, name="Nodule", category=ORGAN, property_type=NODULE),
    Label(value=2, name="Effusion", category=ORGAN, property_type=EFFUSION),
)
POINT = OperatingPoint(name="default", threshold=0.5)
SOURCE = image(np.zeros((4, 4)))


def decided(
    values: list[float], points: tuple[OperatingPoint, ...] = (POINT,), **options: Any
) -> tuple[Evaluation, ...]:
    assert set(options) <= FAMILY.options
    described = replace(package(), labels=LABELS, operating_points=points, options=options)
    outputs = {options.get("output", "probabilities"): np.array(values, dtype=np.float32)}
    return interpret(outputs, on_source_grid(SOURCE), SOURCE, described, source_index=2)


def test_each_label_is_present_or_the_coded_negative() -> None:
    nodule, effusion = decided([0.75, 0.1, 0.25])
    assert (nodule.concept, nodule.value, nodule.outcome) == (NODULE, PRESENT, Outcome.POSITIVE)
    assert (effusion.concept, effusion.value, effusion.outcome) == (EFFUSION, ABSENT, Outcome.NEGATIVE)
    assert (nodule.probability, effusion.probability) == (0.75, 0.25)
    assert nodule.operating_point == POINT
    assert {nodule.source_index, effusion.source_index} == {2}


def test_the_threshold_itself_is_positive() -> None:
    assert decided([0.5, 0, 0.49999])[0].value == PRESENT
    assert decided([0.5, 0, 0.49999])[1].value == ABSENT


@given(st.floats(0, 1, width=32), st.floats(0.01, 0.2))
def test_close_to_the_threshold_is_undetermined(value: float, margin: float) -> None:
    nodule, _ = decided([value, 0, 0], undetermined_margin=margin)
    assert (nodule.value == UNDETERMINED) == (abs(value - 0.5) < margin)
    assert (nodule.outcome is Outcome.LIMITED) == (nodule.value == UNDETERMINED)


def test_each_label_has_its_own_operating_point() -> None:
    points = (OperatingPoint(name="Effusion", threshold=0.2), OperatingPoint(name="Nodule", threshold=0.8))
    nodule, effusion = decided([0.6, 0, 0.3], points)
    assert (nodule.value, effusion.value) == (ABSENT, PRESENT)
    with pytest.raises(ManifestInvalid, match="Effusion"):
        decided([0.6, 0, 0.3], (points[1], OperatingPoint(name="Other", threshold=0.1)))


def test_logits_become_probabilities() -> None:
    nodule, effusion = decided([0.0, 5.0, -2.0], activation="sigmoid")
    assert nodule.probability == pytest.approx(0.5)
    assert effusion.probability == pytest.approx(1 / (1 + np.exp(2.0)))
    nodule, effusion = decided([1.0, 0.0, 2.0], activation="softmax")
    total = np.exp([1.0, 0.0, 2.0]).sum()
    assert nodule.probability == pytest.approx(np.exp(1.0) / total)
    assert effusion.probability == pytest.approx(np.exp(2.0) / total)


def test_what_is_no_probability_is_refused() -> None:
    assert decided([1.0000005, 0, -0.0000005])[0].probability == 1.0
    for values in ([1.2, 0, 0], [0, -0.1, 0]):
        with pytest.raises(RuntimeMismatch, match="0 to 1"):
            decided(values)
    with pytest.raises(RuntimeMismatch, match="not numbers"):
        decided([np.nan, 0, 0])


def test_a_label_beyond_the_output_and_an_unknown_activation_are_refused() -> None:
    with pytest.raises(RuntimeMismatch, match="Effusion"):
        decided([0.1, 0.2])
    with pytest.raises(ManifestInvalid, match="activation"):
        decided([0.1, 0.2, 0.3], activation="relu")
