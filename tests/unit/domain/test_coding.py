"""Coded concepts are equal by code, not by wording."""

from appliance.domain.coding import ABSENT, PRESENT, PRIVATE_SCHEME, CodedConcept, private


def test_the_wording_does_not_make_a_difference() -> None:
    assert CodedConcept("1", "SCT", "one") == CodedConcept("1", "SCT", "eins")
    assert hash(CodedConcept("1", "SCT", "one")) == hash(CodedConcept("1", "SCT", "eins"))


def test_value_and_scheme_do() -> None:
    assert CodedConcept("1", "SCT", "one") != CodedConcept("1", "DCM", "one")
    assert PRESENT != ABSENT


def test_a_private_concept_is_of_our_own_scheme() -> None:
    assert private("X", "x") == CodedConcept("X", PRIVATE_SCHEME, "")
