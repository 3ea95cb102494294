"""The error tree: codes, places, and the drawing of it at the top of the module."""

import re

import pytest

from appliance.domain import errors
from appliance.domain.errors import ApplianceError, GantryTilt, InputRefused, TransientError
from tests.unit.docs.test_error_codes import tree


def test_an_error_says_code_what_and_where() -> None:
    error = GantryTilt("tilted by 3 degrees", where="1.2.3")
    assert str(error) == "geometry-gantry-tilt: tilted by 3 degrees (1.2.3)"
    assert (error.what, error.where) == ("tilted by 3 degrees", "1.2.3")


def test_without_words_of_its_own_an_error_has_its_title() -> None:
    assert GantryTilt().what == GantryTilt.title
    assert str(GantryTilt()) == f"geometry-gantry-tilt: {GantryTilt.title}"


def test_callers_can_branch_on_the_kind() -> None:
    assert issubclass(GantryTilt, InputRefused)
    assert not issubclass(GantryTilt, TransientError)


def test_the_drawing_names_every_class_and_no_other() -> None:
    drawn = set(re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b|InputRefused", (errors.__doc__ or "").split("\n\n", 1)[1]))
    assert {kind.__name__ for kind in tree()} | {"ApplianceError"} == drawn


@pytest.mark.parametrize("kind", list(tree()), ids=lambda kind: kind.__name__)
def test_codes_are_words_with_hyphens_and_statuses_are_errors(kind: type[ApplianceError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
    assert 400 <= kind.http_status < 600
