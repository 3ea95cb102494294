"""Both languages say everything, and say it so that it can be checked."""

import dataclasses
import re
import string

import pytest

from appliance.domain import coding
from appliance.domain.coding import LEFT, MILLILITRE, NO_UNITS, PERCENT, RATIO, RIGHT, CodedConcept
from appliance.domain.errors import SettingsError
from appliance.domain.model_package import Label
from appliance.findings import codes
from appliance.findings.languages import LANGUAGES, phrases_for
from appliance.findings.phrases import Phrases, decimals
from appliance.findings.refusal_titles import ENGLISH, GERMAN

EN, DE = phrases_for("en"), phrases_for("de")
BOTH = pytest.mark.parametrize("phrases", LANGUAGES.values(), ids=LANGUAGES)
TEXTS = [f.name for f in dataclasses.fields(Phrases) if f.type == "str" or f.type is str]
ABSENCE = {"not_found", "not_found_list", "no_limitation", "modality_agrees", "nothing_positive", "nothing_ran"}
WITHOUT_EVIDENCE = {"not_applicable", "refused", "left_out", "stopped", "flagged", "title"}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", TEXTS)
def test_both_languages_have_the_same_placeholders(name: str) -> None:
    english, german = getattr(EN, name), getattr(DE, name)
    assert english
    assert german
    assert placeholders(english) == placeholders(german)


@pytest.mark.parametrize("field", ["names", "packages", "values", "units", "directions"])
def test_both_languages_know_the_same_words(field: str) -> None:
    assert set(getattr(EN, field)) == set(getattr(DE, field))
    assert all(getattr(EN, field)[key] != "" or field == "units" for key in getattr(EN, field))


@BOTH
@pytest.mark.parametrize("name", [n for n in TEXTS if n not in WITHOUT_EVIDENCE | {"language"}])
def test_words_of_denial_stand_in_statements_of_absence_and_nowhere_else(phrases: Phrases, name: str) -> None:
    text = re.sub(r"\{\w+\}", "", getattr(phrases, name))
    assert (phrases.negation.search(text) is not None) == (name in ABSENCE)


@BOTH
def test_no_name_or_value_is_a_word_of_denial(phrases: Phrases) -> None:
    for text in (*phrases.names.values(), *phrases.values.values(), *phrases.packages.values()):
        assert phrases.negation.search(text) is None, text


@BOTH
def test_sides_are_found_in_every_form_and_in_nothing_else(phrases: Phrases) -> None:
    words = {
        "en": (["left", "Left lung", "left-sided", "bilateral"], ["right", "rightwards", "both"], ["bright", "cleft"]),
        "de": (
            ["links", "Linke Lunge", "linken", "linksseitig", "beidseits"],
            ["rechts", "der rechten", "beide"],
            ["gelinkt", "recht"],
        ),
    }
    lefts, rights, others = words[phrases.language]
    assert all(phrases.sides[LEFT].search(text) for text in lefts)
    assert all(phrases.sides[RIGHT].search(text) for text in rights)
    assert not any(phrases.sides[side].search(text) for side in (LEFT, RIGHT) for text in others)


def test_a_language_is_chosen_by_its_primary_subtag() -> None:
    assert phrases_for("de-AT") is phrases_for("DE_de") is DE
    assert phrases_for("en-GB") is EN
    for unknown in ("fr", "", "deu"):
        with pytest.raises(SettingsError, match="de, en"):
            phrases_for(unknown)


@BOTH
def test_structures_are_named_with_their_side(phrases: Phrases) -> None:
    assert phrases.name(codes.LUNG, RIGHT) == phrases.names[codes.RIGHT_LUNG]
    assert phrases.name(codes.LUNG) == phrases.names[codes.LUNG]
    assert phrases.name(codes.BRAIN, LEFT) == f"{phrases.names[codes.BRAIN]}, {phrases.values[LEFT]}"
    spleen = CodedConcept("78961009", "SCT", "Spleen")
    assert phrases.name(spleen) == "Spleen"
    label = Label(value=1, name="Milz", category=coding.ORGAN, property_type=spleen)
    assert phrases.name_of(label) == "Milz"
    assert phrases.package("ct-liver@1.0.0") == phrases.packages["ct-liver"]
    assert phrases.package("other@2") == "other"


@pytest.mark.parametrize(
    ("value", "unit", "english", "german"),
    [
        (1234.56, MILLILITRE, "1235 mL", "1235 ml"),
        (99.96, MILLILITRE, "100.0 mL", "100,0 ml"),
        (0.04, MILLILITRE, "0.0 mL", "0,0 ml"),
        (-0.04, MILLILITRE, "0.0 mL", "0,0 ml"),
        (-52.5, coding.HOUNSFIELD_UNIT, "-52 HU", "-52 HE"),
        (36.6, coding.MILLIMETRE, "37 mm", "37 mm"),
        (0.5, RATIO, "0.50", "0,50"),
        (3.0, NO_UNITS, "3", "3"),
        (1.0, NO_UNITS, "1.00", "1,00"),
        (97.4, PERCENT, "97 %", "97 %"),
        (12.34, CodedConcept("Bq/ml", "UCUM", "Becquerels/milliliter"), "12.3 Bq/ml", "12,3 Bq/ml"),
    ],
)
def test_numbers_are_printed_as_precisely_as_they_can_be_used(value, unit, english, german) -> None:
    assert EN.quantity(value, unit) == english
    assert DE.quantity(value, unit) == german
    assert decimals(value, unit) == len(english.partition(" ")[0].partition(".")[2])


def test_every_refusal_has_a_title_in_english_and_those_of_an_analysis_in_german() -> None:
    assert set(GERMAN) <= set(ENGLISH)
    refusing = {code for code in ENGLISH if code.startswith(("geometry-", "input-", "model-"))}
    assert refusing <= set(GERMAN)
    assert all(GERMAN[code] != ENGLISH[code] and GERMAN[code].strip() for code in GERMAN)


@BOTH
@pytest.mark.parametrize(("code", "sign"), [("cm2", "cm²"), ("cm3", "cm³")])
def test_squares_and_cubes_are_written_as_people_write_them(phrases: Phrases, code: str, sign: str) -> None:
    assert phrases.quantity(310.0, CodedConcept(code, "UCUM", "any")) == f"310 {sign}"
