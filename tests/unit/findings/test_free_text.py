"""Sentences of a network, right and wrong ones, against findings that are known."""

import pytest

from appliance.domain.finding import Narrative
from appliance.domain.workitem import Analysis
from appliance.findings import codes
from appliance.findings.consistency import FlagCode, check, marked
from tests.helpers.reports import absent, free, liver, lungs, nodule, quality

STUDY = (liver(), lungs(), absent(codes.BRAIN), quality(0.9))
WITH_NODULE, WITHOUT = (*STUDY, nodule(0.9)), (*STUDY, nodule(0.1))
ONE_LUNG = (absent(codes.RIGHT_LUNG, "x"), Analysis(workitem=lungs().workitem, findings=lungs().findings[1:4:2]))


def flags(narrative: Narrative, study: tuple[Analysis, ...]) -> set[FlagCode]:
    return {flag.code for flag in check(narrative, study)}


@pytest.mark.parametrize(
    ("text", "study"),
    [
        ("The liver has a volume of 1362 mL.", STUDY),
        ("The liver has a volume of 1.4 L.", STUDY),
        ("The liver has a volume of 1,362 ml.", STUDY),
        ("The liver measures 20.1 x 15.3 cm in the axial plane.", STUDY),
        ("Mean attenuation of the liver is 105 HU.", STUDY),
        ("No focal lesion in the liver.", STUDY),
        ("There is no abnormality within the liver.", STUDY),
        ("Both lungs are outlined.", STUDY),
        ("The left lung covers 310 cm2, the right lung 355 cm2.", STUDY),
        ("The brain is not seen.", STUDY),
        ("No brain in the field of view.", STUDY),
        ("Brain: none.", STUDY),
        ("A nodule is present.", WITH_NODULE),
        ("There is a nodule in the right lung.", WITH_NODULE),
        ("No other abnormality, but a nodule is seen.", WITH_NODULE),
        ("A nodule cannot be excluded.", WITH_NODULE),
        ("No nodule is seen.", WITHOUT),
        ("There is no evidence of a nodule.", WITHOUT),
        ("Nodule not identified.", WITHOUT),
        ("A nodule is not visualized.", WITHOUT),
        ("Nodules are absent.", WITHOUT),
        ("A nodule has been ruled out.", WITHOUT),
        ("Image quality is diagnostic.", STUDY),
        ("The left lung is outlined.", ONE_LUNG),
        ("The right lung is not seen.", ONE_LUNG),
        ("The heart is of normal size.", STUDY),
        ("Follow-up in 3 months.", STUDY),
    ],
)
def test_a_right_english_sentence_is_not_flagged(text: str, study) -> None:
    assert flags(free(text), study) == set()


@pytest.mark.parametrize(
    ("text", "study", "code"),
    [
        ("The liver has a volume of 1463 mL.", STUDY, FlagCode.NUMBER),
        ("The liver has a volume of 2.1 L.", STUDY, FlagCode.NUMBER),
        ("The liver has a volume of 1,999 ml.", STUDY, FlagCode.NUMBER),
        ("The liver measures 31 x 15.3 cm.", STUDY, FlagCode.NUMBER),
        ("Liver volume 900cc.", STUDY, FlagCode.NUMBER),
        ("The liver is not seen.", STUDY, FlagCode.PRESENCE),
        ("No liver.", STUDY, FlagCode.PRESENCE),
        ("Liver: absent.", STUDY, FlagCode.PRESENCE),
        ("The brain is outlined.", STUDY, FlagCode.PRESENCE),
        ("No nodule is seen.", WITH_NODULE, FlagCode.PRESENCE),
        ("No evidence of any nodule.", WITH_NODULE, FlagCode.PRESENCE),
        ("Nodules are not demonstrated.", WITH_NODULE, FlagCode.PRESENCE),
        ("Nodule: none.", WITH_NODULE, FlagCode.PRESENCE),
        ("A nodule is present.", WITHOUT, FlagCode.PRESENCE),
        ("A nodule cannot be excluded.", WITHOUT, FlagCode.PRESENCE),
        ("The right lung is outlined.", ONE_LUNG, FlagCode.PRESENCE),
        ("Both lungs are outlined.", ONE_LUNG, FlagCode.PRESENCE),
        ("Image quality is limited.", STUDY, FlagCode.VALUE),
        ("The nodule has a probability of 20 %.", WITH_NODULE, FlagCode.NUMBER),
    ],
)
def test_a_wrong_english_sentence_is_flagged(text: str, study, code: FlagCode) -> None:
    assert code in flags(free(text), study)


def test_a_side_that_was_not_found_is_flagged() -> None:
    only_left = (Analysis(workitem=lungs().workitem, findings=lungs().findings[1:2]),)
    assert flags(free("The left lung is outlined."), only_left) == set()
    for text in ("The right lung is outlined.", "Both lungs are outlined.", "Bilateral lung fields."):
        assert flags(free(text), only_left) == {FlagCode.SIDE}
    for text in ("Die rechte Lunge ist dargestellt.", "Beide Lungen sind dargestellt.", "Lungen beidseits."):
        assert flags(free(text, language="de"), only_left) == {FlagCode.SIDE}


@pytest.mark.parametrize(
    ("text", "study"),
    [
        ("Die Leber hat ein Volumen von 1362 ml.", STUDY),
        ("Die Leber hat ein Volumen von 1,4 Liter.", STUDY),
        ("Die Leber hat ein Volumen von 1.362 ml.", STUDY),
        ("Kein Herd in der Leber.", STUDY),
        ("Die Leber ist nicht vergrößert.", STUDY),
        ("Die linke Lunge misst 310 cm2.", STUDY),
        ("Das Gehirn ist nicht abgebildet.", STUDY),
        ("Kein Gehirn im Bild.", STUDY),
        ("Das Gehirn fehlt.", STUDY),
        ("Die Bildqualität ist diagnostisch.", STUDY),
    ],
)
def test_a_right_german_sentence_is_not_flagged(text: str, study) -> None:
    assert flags(free(text, language="de"), study) == set()


@pytest.mark.parametrize(
    ("text", "study", "code"),
    [
        ("Die Leber hat ein Volumen von 1463 ml.", STUDY, FlagCode.NUMBER),
        ("Die Leber hat ein Volumen von 2,1 l.", STUDY, FlagCode.NUMBER),
        ("Die Leber misst 31 x 15,3 cm.", STUDY, FlagCode.NUMBER),
        ("Die Leber ist nicht dargestellt.", STUDY, FlagCode.PRESENCE),
        ("Keine Leber.", STUDY, FlagCode.PRESENCE),
        ("Die Leber fehlt.", STUDY, FlagCode.PRESENCE),
        ("Das Gehirn ist abgebildet.", STUDY, FlagCode.PRESENCE),
        ("Das Gehirn ist nicht ausgeschlossen.", STUDY, FlagCode.PRESENCE),
        ("Die Bildqualität ist eingeschränkt.", STUDY, FlagCode.VALUE),
    ],
)
def test_a_wrong_german_sentence_is_flagged(text: str, study, code: FlagCode) -> None:
    assert code in flags(free(text, language="de"), study)


def test_a_language_that_cannot_be_checked_is_flagged() -> None:
    narrative = free("Le foie est normal.", language="fr")
    assert flags(narrative, STUDY) == {FlagCode.LANGUAGE}
    assert marked(narrative, check(narrative, STUDY)).findings[0].text.startswith("[CONTRADICTS A FINDING: language]")


def test_without_findings_nothing_contradicts() -> None:
    assert check(free("The liver is not seen.", "A nodule of 12 mm."), ()) == ()
