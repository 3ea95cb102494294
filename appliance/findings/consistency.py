"""Does a report say what was found? Presence, sides, numbers and values of each sentence against its evidence.

A sentence with evidence is held against exactly that. A sentence of a generator that gives no evidence is held against
every finding of the study that it names. What contradicts is marked in the text itself, so that no reader of the
report, in whatever system, can miss it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.domain.errors import SettingsError
from appliance.domain.finding import Evaluation, Narrative, Outcome, Sentence
from appliance.domain.workitem import Analysis
from appliance.findings import agreement, free_text
from appliance.findings.claims import Fact, facts_of
from appliance.findings.languages import phrases_for
from appliance.findings.phrases import Phrases

TEMPLATE = "template"
"""Generator of the compositional report."""


class FlagCode(StrEnum):
    """What a sentence contradicts, or lacks."""

    PRESENCE = "presence"
    SIDE = "side"
    NUMBER = "number"
    VALUE = "value"
    EVIDENCE = "evidence"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A sentence that must not be sent as it is: its section ("findings", "impression"), its place there, and why."""

    section: str
    index: int
    code: FlagCode


def check(narrative: Narrative, analyses: Sequence[Analysis]) -> tuple[Flag, ...]:
    """Every contradiction between a narrative and the findings of its study; empty when there is none."""
    return tuple(
        Flag(section=section, index=index, code=code)
        for section, sentences in (("findings", narrative.findings), ("impression", narrative.impression))
        for index, sentence in enumerate(sentences)
        for code in _contradictions(sentence, narrative, analyses)
    )


def marked(narrative: Narrative, flags: Sequence[Flag]) -> Narrative:
    """The narrative with every flagged sentence saying so, in the language of the report."""
    if not flags:
        return narrative
    return replace(
        narrative,
        findings=_marked(narrative.findings, "findings", narrative.language, flags),
        impression=_marked(narrative.impression, "impression", narrative.language, flags),
    )


def _marked(
    sentences: tuple[Sentence, ...], section: str, language: str, flags: Sequence[Flag]
) -> tuple[Sentence, ...]:
    try:
        words = phrases_for(language).flagged
    except SettingsError:
        words = phrases_for("en").flagged
    result = []
    for index, sentence in enumerate(sentences):
        found = [flag.code.value for flag in flags if (flag.section, flag.index) == (section, index)]
        mark = words.format(codes=", ".join(found)) if found else ""
        outcome = Outcome.LIMITED if found else sentence.outcome
        result.append(replace(sentence, text=mark + sentence.text, outcome=outcome))
    return tuple(result)


def _contradictions(sentence: Sentence, narrative: Narrative, analyses: Sequence[Analysis]) -> Iterator[FlagCode]:
    try:
        phrases = phrases_for(narrative.language)
    except SettingsError:
        yield FlagCode.LANGUAGE
        return
    if sentence.evidence:
        facts = facts_of(sentence, analyses)
        if facts is None:
            yield FlagCode.EVIDENCE
            return
        checks = _STRICT
    elif narrative.generator == TEMPLATE:
        if sentence.text == phrases.nothing_positive and _anything_positive(analyses):
            yield FlagCode.PRESENCE
        return  # all others say what did not run, and name no finding
    else:
        facts = free_text.facts_named(sentence.text, analyses, phrases)
        checks = _FREE
    yield from (code for code, agrees in checks if not agrees(sentence.text, facts, phrases))


def _anything_positive(analyses: Sequence[Analysis]) -> bool:
    findings = (finding for analysis in analyses for finding in analysis.findings)
    return any(isinstance(f, Evaluation) and f.outcome is Outcome.POSITIVE for f in findings)


_Check = Callable[[str, Sequence[Fact], Phrases], bool]

_STRICT: tuple[tuple[FlagCode, _Check], ...] = (
    (FlagCode.PRESENCE, agreement.presence_agrees),
    (FlagCode.SIDE, agreement.sides_agree),
    (FlagCode.NUMBER, agreement.numbers_agree),
    (FlagCode.VALUE, agreement.values_agree),
)
_FREE: tuple[tuple[FlagCode, _Check], ...] = (
    (FlagCode.PRESENCE, free_text.presence_agrees),
    (FlagCode.SIDE, free_text.sides_agree),
    (FlagCode.NUMBER, free_text.numbers_agree),
    (FlagCode.VALUE, free_text.values_agree),
)
