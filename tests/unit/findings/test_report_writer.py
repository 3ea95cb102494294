"""The compositional report: it says what was found, in both languages, and its own check agrees with it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domain.coding import ABSENT, LEFT, NO_UNITS, PRESENT, RIGHT, UNDETERMINED
from appliance.domain.errors import SettingsError
from appliance.domain.finding import Evaluation, Finding, Measurement, Narrative, Outcome, Sentence
from appliance.domain.workitem import Analysis
from appliance.findings import codes
from appliance.findings.consistency import FlagCode, check, marked
from appliance.findings.languages import LANGUAGES, phrases_for
from appliance.findings.report_writer import write_report
from appliance.findings.statements import letter_of
from tests.helpers.reports import absent, analysis, free, liver, lungs, nodule, quality, segment

BOTH = pytest.mark.parametrize("language", LANGUAGES)


def modality(value) -> Analysis:
    outcome = {PRESENT: Outcome.POSITIVE, ABSENT: Outcome.NEGATIVE, UNDETERMINED: Outcome.LIMITED}[value]
    item = Evaluation(concept=codes.MODALITY_CONTRADICTED, value=value, outcome=outcome, probability=0.1)
    stopped = "input-modality-contradicted" if value == PRESENT else None
    return analysis("ct-or-mr", item, stopped=stopped)


def text(present: bool) -> Analysis:
    value, outcome = (PRESENT, Outcome.POSITIVE) if present else (ABSENT, Outcome.NEGATIVE)
    findings: list[Finding] = [
        Evaluation(concept=concept, value=value, outcome=outcome)
        for concept in (codes.BURNT_IN_TEXT, codes.BURNT_IN_NAME, codes.BURNT_IN_DATE)
    ]
    count = Measurement(concept=codes.TEXT_REGION_COUNT, value=3.0 if present else 0.0, unit=NO_UNITS)
    return analysis("burnt-in-text", *findings, count)


def undetermined_lung() -> Analysis:
    side = Evaluation(concept=codes.SIDE_DETERMINED, value=UNDETERMINED, outcome=Outcome.LIMITED, segment=1)
    return analysis("cxr-lungs", segment(codes.LUNG), side, series="2")


def written(*analyses: Analysis, language: str = "en", refused=(), not_applicable=()) -> Narrative:
    return write_report(analyses, refused, not_applicable, language)


def texts(sentences: tuple[Sentence, ...]) -> list[str]:
    return [sentence.text for sentence in sentences]


def test_a_liver_is_described_in_english() -> None:
    narrative = written(liver())
    assert texts(narrative.findings) == [
        "Liver: volume 1362 mL; mean attenuation 105 HU (standard deviation 21 HU); "
        "greatest axial extent 201 x 153 mm.",
        "Liver: no limitation of the outline detected.",
    ]
    assert texts(narrative.impression) == [
        "Liver: volume 1362 mL.",
        "No positive finding of the models that ran; this does not exclude disease.",
    ]


def test_a_liver_is_described_in_german() -> None:
    narrative = written(liver(cut=True), language="de")
    assert texts(narrative.findings) == [
        "Leber: Volumen 1362 ml; mittlere Dichte 105 HE (Standardabweichung 21 HE); "
        "größte axiale Ausdehnung 201 x 153 mm.",
        "Leber: vom Bildfeld angeschnitten (kopfwärts); die Werte gelten nur für den abgebildeten Teil.",
    ]
    assert texts(narrative.impression)[0] == "Leber: Volumen des abgebildeten Teils 1362 ml."
    assert narrative.impression[0].outcome is Outcome.LIMITED


def test_every_sentence_that_states_a_finding_names_its_evidence() -> None:
    study = (liver(), lungs(), nodule(0.9), absent(codes.BRAIN), quality(0.1))
    narrative = written(*study)
    by_uid = {str(item.workitem.uid): item.findings for item in study}
    for sentence in narrative.findings:
        assert sentence.evidence
        assert all(0 <= index < len(by_uid[uid]) for uid, index in sentence.evidence)
    cited = {pair for sentence in narrative.findings for pair in sentence.evidence}
    assert len(cited) == sum(len(findings) for findings in by_uid.values())  # nothing that was found is left unsaid


def test_what_matters_comes_first_in_the_impression() -> None:
    narrative = written(liver(), quality(0.1), nodule(0.9), absent(codes.BRAIN))
    order = [sentence.outcome for sentence in narrative.impression]
    assert order == [Outcome.POSITIVE, Outcome.LIMITED, Outcome.INFORMATIVE, Outcome.NEGATIVE]
    assert texts(narrative.impression)[-1] == "Not found: Brain."
    assert not any("No positive finding" in line for line in texts(narrative.impression))


@BOTH
def test_nothing_positive_is_never_said_beside_something_positive(language: str) -> None:
    nothing = phrases_for(language).nothing_positive
    assert nothing in texts(written(liver(), nodule(0.1), language=language).impression)
    assert nothing not in texts(written(liver(), nodule(0.9), language=language).impression)
    assert nothing not in texts(written(language=language).impression)


def test_beside_a_generated_text_nothing_is_concluded_from_silence() -> None:
    generated = analysis("phantom-report", free("A nodule."))
    narrative = written(liver(), generated)
    assert not any("No positive finding" in line for line in texts(narrative.impression))
    assert "phantom-report: wrote a text of its own, which is a separate document." in texts(narrative.findings)


@BOTH
def test_refusals_and_models_that_wanted_no_series_are_told(language: str) -> None:
    narrative = written(
        language=language,
        refused=[("ct-liver", "geometry-gantry-tilt"), ("ct-liver", "geometry-gantry-tilt"), ("other", "new-code")],
        not_applicable=[("mr-brain@1.0.0", "Modality is CT, wanted MR.")],
    )
    phrases = phrases_for(language)
    said = "\n".join(texts(narrative.findings))
    assert said.count("geometry-gantry-tilt") == 1
    assert phrases.refusals["geometry-gantry-tilt"] in said
    assert "other" in said
    assert "new-code" in said
    assert f"{phrases.package('mr-brain')}: " in said
    assert ".." not in said
    assert phrases.nothing_ran in texts(narrative.findings)
    left_out = texts(narrative.impression)[-2]
    assert phrases.package("ct-liver") in left_out
    assert phrases.package("mr-brain") not in left_out


def test_a_stopped_series_says_so() -> None:
    narrative = written(modality(PRESENT))
    assert "Modality check: stopped the series (input-modality-contradicted)." in texts(narrative.findings)
    assert narrative.impression[0].outcome is Outcome.POSITIVE


def test_several_series_and_images_are_told_apart_by_letters() -> None:
    first = analysis("x", segment(codes.LIVER), segment(codes.LIVER, image=1), series="1")
    second = analysis("x", segment(codes.LIVER), series="2")
    said = texts(written(first, second).findings)
    assert len(set(said)) == 3
    assert all(line.startswith(("Series A, ", "Series B, ")) for line in said)
    assert sum("Image B, " in line for line in said) == 1
    assert [letter_of(n) for n in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_text_in_the_image_is_counted_and_never_quoted() -> None:
    said = texts(written(text(True)).findings)
    assert "Burnt-in text: found; number of regions 3." in said
    assert texts(written(text(False)).findings) == ["Burnt-in text: not found."]


def test_the_order_of_analyses_makes_no_difference() -> None:
    study = [liver(), lungs(), nodule(0.9), quality(0.9), modality(ABSENT)]
    narrative = written(*study)
    assert written(*reversed(study)) == narrative
    assert narrative.findings[-1].text.startswith("Image quality") or narrative.findings[-2].text.startswith("Image")


def test_a_language_without_phrases_is_refused() -> None:
    with pytest.raises(SettingsError):
        written(liver(), language="fr")


ANALYSES = st.lists(
    st.one_of(
        st.builds(liver, ml=st.floats(0.1, 5000), cut=st.booleans()),
        st.builds(lungs, left=st.floats(1, 900), right=st.floats(1, 900)),
        st.builds(nodule, st.floats(0, 1)),
        st.builds(quality, st.floats(0, 1)),
        st.sampled_from([codes.BRAIN, codes.RIGHT_LUNG, codes.KIDNEY]).map(absent),
        st.sampled_from([PRESENT, ABSENT, UNDETERMINED]).map(modality),
        st.booleans().map(text),
        st.builds(undetermined_lung),
        st.just(analysis("silent")),
        st.just(analysis("technical", Measurement(concept=codes.TEXT_REGION_COUNT, value=2.0, unit=NO_UNITS))),
    ),
    max_size=6,
    unique_by=lambda item: item.workitem.uid,
)


@settings(deadline=None, max_examples=80)
@given(ANALYSES, st.sampled_from(sorted(LANGUAGES)))
def test_no_sentence_of_a_written_report_is_flagged(study, language) -> None:
    narrative = written(*study, language=language, refused=[("ct-liver", "input-too-large")])
    assert check(narrative, study) == ()
    assert marked(narrative, ()) == narrative


@settings(deadline=None, max_examples=60)
@given(ANALYSES, st.sampled_from(sorted(LANGUAGES)), st.data())
def test_a_number_that_is_changed_is_flagged(study, language, data) -> None:
    narrative = written(*study, language=language)
    numbered = [i for i, s in enumerate(narrative.findings) if s.evidence and any(c.isdigit() for c in s.text)]
    if not numbered:
        return
    index = data.draw(st.sampled_from(numbered))
    wrong = narrative.findings[index]
    units = ("cm2", "x-ray", "T1")
    spoiled, changed = [], False
    for word in wrong.text.split(" "):
        if not changed and word[0].isdigit() and word.rstrip(".;,)") not in units:
            word, changed = f"7{word}", True  # one digit more in front: never the rounded same
        spoiled.append(word)
    if not changed:
        return
    findings = list(narrative.findings)
    findings[index] = replace(wrong, text=" ".join(spoiled))
    flags = check(replace(narrative, findings=tuple(findings)), study)
    assert [(f.section, f.index, f.code) for f in flags] == [("findings", index, FlagCode.NUMBER)]


SWAPS = {
    "en": {
        ": found": ": not found",
        "not found": "found",
        "Right lung": "Left lung",
        "Left lung": "Right lung",
        "diagnostic": "limited",
        "limited (": "diagnostic (",
        "no contradiction": "a contradiction",
        "no limitation": "limitation",
        "undetermined": "diagnostic",
        "Left-to-right": "Right-to-left",
    },
    "de": {
        ": gefunden": ": nicht gefunden",
        "nicht gefunden": "gefunden",
        "Rechte Lunge": "Linke Lunge",
        "Linke Lunge": "Rechte Lunge",
        "diagnostisch": "eingeschränkt",
        "eingeschränkt (": "diagnostisch (",
        "kein Widerspruch": "Widerspruch",
        "keine Einschränkung": "Einschränkung",
        "links zu rechts": "rechts zu links",
    },
}


@settings(deadline=None, max_examples=80)
@given(ANALYSES, st.sampled_from(sorted(LANGUAGES)), st.data())
def test_a_presence_side_or_value_that_is_turned_round_is_flagged(study, language, data) -> None:
    narrative = written(*study, language=language)
    turnable = [
        (index, old, new)
        for index, sentence in enumerate(narrative.findings)
        for old, new in SWAPS[language].items()
        if sentence.evidence and old in sentence.text
    ]
    if not turnable:
        return
    index, old, new = data.draw(st.sampled_from(turnable))
    findings = list(narrative.findings)
    findings[index] = replace(findings[index], text=findings[index].text.replace(old, new))
    flags = check(replace(narrative, findings=tuple(findings)), study)
    assert {(flag.section, flag.index) for flag in flags} == {("findings", index)}
    spoken = marked(replace(narrative, findings=tuple(findings)), flags).findings[index]
    assert spoken.text.startswith(phrases_for(language).flagged.partition("{")[0])
    assert spoken.outcome is Outcome.LIMITED


@BOTH
def test_silence_about_a_positive_finding_is_flagged(language: str) -> None:
    narrative = written(liver(), nodule(0.1), language=language)
    assert [flag.code for flag in check(narrative, (liver(), nodule(0.9)))][-1] == FlagCode.PRESENCE
    nothing = len(narrative.impression) - 2
    assert ("impression", nothing) in {(f.section, f.index) for f in check(narrative, (liver(), nodule(0.9)))}


def test_evidence_that_does_not_exist_is_flagged() -> None:
    narrative = written(liver())
    assert {flag.code for flag in check(narrative, ())} == {FlagCode.EVIDENCE}
    beyond = replace(narrative.findings[0], evidence=((liver().workitem.uid, 99),))
    flags = check(replace(narrative, findings=(beyond,), impression=()), (liver(),))
    assert [flag.code for flag in flags] == [FlagCode.EVIDENCE]


def test_names_that_hold_digits_or_denials_claim_nothing_by_them() -> None:
    structure = replace(codes.LIVER, value="x1", meaning="Region 7 without contrast")
    study = (analysis("x", segment(structure)), absent(replace(structure, value="x2"), "y"))
    assert check(written(*study), study) == ()


def test_sides_are_those_of_the_segment_even_if_the_words_are_elsewhere() -> None:
    study = (analysis("x", segment(codes.KIDNEY, 1, LEFT)),)
    narrative = written(*study)
    assert texts(narrative.findings) == ["Left kidney: segmented."]
    turned = replace(narrative, findings=(replace(narrative.findings[0], text="Kidney, on the right: segmented."),))
    assert [flag.code for flag in check(turned, study)] == [FlagCode.SIDE]
    assert {RIGHT, LEFT} == set(phrases_for("en").sides)
