"""Identifiers that derive from content: the same everywhere, and never by accident the same."""

from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from appliance.domain.identifiers import content_hash, derived_uid

PARTS = st.lists(st.text(max_size=8), max_size=4)


@given(PARTS)
def test_a_derived_uid_is_a_valid_uid(parts: list[str]) -> None:
    uid = UID(derived_uid(*parts))
    assert uid.is_valid
    assert uid.startswith("2.25.")


@given(PARTS, PARTS)
def test_only_the_same_parts_give_the_same_identifiers(one: list[str], other: list[str]) -> None:
    assert (derived_uid(*one) == derived_uid(*other)) == (one == other)
    assert (content_hash(*one) == content_hash(*other)) == (one == other)


def test_identifiers_are_the_same_on_every_machine() -> None:
    assert derived_uid("workitem", "1.2.3") == "2.25.232951800969698682480637576670588497397"
    assert content_hash("1.2.3") == "fab2afc9388e950d791bf326a7f1e6dcf74e0504641c2c5a2f488b9bc84d8278"


def test_where_a_part_ends_matters() -> None:
    assert derived_uid("ab", "c") != derived_uid("a", "bc")
    assert content_hash("ab", "c") != content_hash("a", "bc")
