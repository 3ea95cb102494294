"""What every family may rely on."""

from dataclasses import replace

import numpy as np
import pytest

from appliance.domain.errors import ManifestInvalid, RuntimeMismatch
from appliance.findings import FAMILIES, FAMILY_OPTIONS
from appliance.findings.families import numbers, option, output_named
from tests.helpers.findings import package

PACKAGE = replace(package(), options={"share": 1, "margin": 0.25, "flag": True, "list": (1, 2.5), "words": ("a",)})


def test_every_family_is_known_by_its_own_name() -> None:
    assert all(name == family.name for name, family in FAMILIES.items())
    assert {name: family.options for name, family in FAMILIES.items()} == FAMILY_OPTIONS
    assert set(FAMILIES) >= {"segmentation", "classification", "quality", "modality", "burnt_in_text", "report"}


def test_an_option_has_the_type_of_its_default() -> None:
    assert option(PACKAGE, "margin", 0.0) == 0.25
    assert option(PACKAGE, "missing", 0.5) == 0.5
    assert isinstance(option(PACKAGE, "share", 0.0), float)
    for name, default in (("flag", 0.5), ("margin", "text"), ("share", "text"), ("margin", False)):
        with pytest.raises(ManifestInvalid, match=name):
            option(PACKAGE, name, default)


def test_a_list_of_numbers_is_one() -> None:
    assert numbers(PACKAGE, "list") == (1.0, 2.5)
    assert numbers(PACKAGE, "missing") == ()
    for name in ("margin", "words"):
        with pytest.raises(ManifestInvalid, match=name):
            numbers(PACKAGE, name)


def test_an_output_is_there_and_finite() -> None:
    assert output_named({"y": np.array([1, 2])}, "y").tolist() == [1, 2]
    with pytest.raises(RuntimeMismatch, match="only a, b"):
        output_named({"b": np.zeros(1), "a": np.zeros(1)}, "y")
    with pytest.raises(RuntimeMismatch, match="nothing"):
        output_named({}, "y")
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(RuntimeMismatch, match="not numbers"):
            output_named({"y": np.array([0.0, bad])}, "y")
