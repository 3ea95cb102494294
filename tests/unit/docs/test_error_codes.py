"""The error page says what the code says."""

from collections.abc import Iterator

import pytest

from appliance.domain.errors import ApplianceError
from tools import error_codes


def tree(kind: type[ApplianceError] = ApplianceError) -> Iterator[type[ApplianceError]]:
    for child in kind.__subclasses__():
        yield child
        yield from tree(child)


def test_the_page_is_what_the_tree_says() -> None:
    assert error_codes.PAGE.read_text(encoding="utf-8") == error_codes.page()


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in tree()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", list(tree()), ids=lambda kind: kind.__name__)
def test_every_error_says_what_and_what_to_do(kind: type[ApplianceError]) -> None:
    assert "code" in vars(kind)
    assert "title" in vars(kind)
    assert kind.remedy.endswith(".")
    assert kind.code in str(kind(where="place"))
