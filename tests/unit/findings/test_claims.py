"""What is read out of a sentence: sides, numbers with their units, names."""

import pytest

from appliance.domain.coding import LEFT, RIGHT
from appliance.findings.claims import Quantity, occurrences, quantities_said, same_quantity, sides_said
from appliance.findings.languages import phrases_for

EN, DE = phrases_for("en"), phrases_for("de")


def said(text: str, phrases=EN) -> list[tuple[float, str]]:
    return [(pytest.approx(q.value * q.factor), q.unit) for q in quantities_said(text, phrases)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Volume 1362 mL.", [(1362, "ml")]),
        ("Volume 1,362 mL.", [(1362, "ml")]),
        ("Volume 1362ml, mean 104.5 HU", [(1362, "ml"), (104.5, "[hnsf'U]")]),
        ("volume 1.4 L", [(1400, "ml")]),
        ("volume 1362 cc", [(1362, "ml")]),
        ("a nodule of 12mm", [(12, "mm")]),
        ("measures 5.1 x 4 x 3 cm", [(51, "mm"), (40, "mm"), (30, "mm")]),
        ("measures 5 by 4 cm and 3 of them", [(50, "mm"), (40, "mm"), (3, "")]),
        ("10-12 mm", [(10, ""), (12, "mm")]),
        ("fat at -105 HU", [(-105, "[hnsf'U]")]),
        ("area 24.5 cm2 or 2450 mm²", [(24.5, "cm2"), (24.5, "cm2")]),
        ("probability 97 percent", [(97, "%")]),
        ("a 3D series, T1 weighted, v1.2.3", []),
        ("no numbers", []),
    ],
)
def test_numbers_are_read_with_their_units(text: str, expected) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Volumen 1362,5 ml", [(1362.5, "ml")]),
        ("Volumen 1.362 ml", [(1362, "ml")]),
        ("Volumen 1,4 Liter", [(1400, "ml")]),
        ("5,1 x 4 cm", [(51, "mm"), (40, "mm")]),
        ("im Mittel -105 HE", [(-105, "[hnsf'U]")]),
        ("zu 97 Prozent", [(97, "%")]),
    ],
)
def test_german_numbers_have_a_decimal_comma(text: str, expected) -> None:
    assert said(text, DE) == expected


@pytest.mark.parametrize(
    ("printed", "known", "same"),
    [
        ("1362 mL", (1362.4, "ml"), True),
        ("1363 mL", (1362.4, "ml"), False),
        ("1.4 L", (1362.4, "ml"), True),
        ("1.3 L", (1362.4, "ml"), False),
        ("14 cm", (136.2, "mm"), True),
        ("13.6 cm", (136.2, "mm"), True),
        ("13.7 cm", (136.2, "mm"), False),
        ("136 mm", (136.2, "ml"), False),
        ("136", (136.2, "ml"), True),
        ("0", (-0.2, "ml"), True),
    ],
)
def test_a_printed_number_is_the_rounded_one_in_its_own_unit(printed: str, known, same: bool) -> None:
    (quantity,) = quantities_said(printed, EN)
    assert same_quantity(quantity, known, EN) is same


def test_sides_are_read_in_their_order() -> None:
    assert sides_said("Right lung larger than the left one", EN) == [RIGHT, LEFT]
    assert sides_said("bilateral effusions", EN) == [LEFT, RIGHT]
    assert sides_said("Linke Niere, rechts daneben", DE) == [LEFT, RIGHT]
    assert sides_said("Brightness", EN) == []


def test_names_are_found_as_words_in_singular_and_plural() -> None:
    assert len(list(occurrences("Lung, LUNGS, lunglike and the lung.", "Lung"))) == 3
    assert len(list(occurrences("Lunge und beide Lungen", "Lunge"))) == 2
    assert not list(occurrences("Delivery", "Liver"))


def test_a_quantity_without_unit_counts_once() -> None:
    assert list(quantities_said("7", EN)) == [Quantity(value=7.0, decimals=0)]
