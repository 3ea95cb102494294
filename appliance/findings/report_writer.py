"""The compositional report: sentences built from coded findings, and nothing else.

The same findings give the same report. Every sentence that states a finding carries its evidence; sentences about
analyses that did not run carry none, since there is none.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from appliance.domain.finding import Evaluation, Narrative, Outcome, Sentence
from appliance.domain.workitem import Analysis
from appliance.findings import codes
from appliance.findings.languages import phrases_for
from appliance.findings.phrases import Phrases
from appliance.findings.statements import Statement, letter_of, statements

_IMPRESSION_ORDER = (Outcome.POSITIVE, Outcome.LIMITED, Outcome.INFORMATIVE, Outcome.NEGATIVE)


def write_report(
    analyses: Sequence[Analysis],
    refused: Sequence[tuple[str, str]],
    not_applicable: Sequence[tuple[str, str]],
    language: str,
) -> Narrative:
    """The report of a study.

    refused: (package, error code) of analyses that could not give a trustworthy result. not_applicable: (package,
    reason) of packages that wanted no series of the study. Raises SettingsError for a language without phrases.
    """
    phrases = phrases_for(language)
    ordered = sorted(analyses, key=_place)
    said = [s for analysis, prefix in _named(ordered, phrases) for s in statements(analysis, phrases, prefix)]
    refused, not_applicable = sorted(set(refused)), sorted(set(not_applicable))
    generated = any(isinstance(finding, Narrative) for analysis in analyses for finding in analysis.findings)
    return Narrative(
        language=phrases.language,
        title=phrases.title,
        findings=(
            *(statement.finding for statement in said),
            *([] if said else [Sentence(text=phrases.nothing_ran, outcome=Outcome.LIMITED)]),
            *_stopped(ordered, phrases),
            *_left_out(refused, not_applicable, phrases),
        ),
        impression=tuple(_impression(said, [package for package, _ in refused], phrases, generated=generated)),
    )


_CHECKS = (codes.MODALITY_CONTRADICTED, codes.IMAGE_QUALITY, codes.BURNT_IN_TEXT)


def _place(analysis: Analysis) -> tuple[bool, str, str, str]:
    """Anatomy first, then what was checked of the images."""
    checks = any(isinstance(f, Evaluation) and f.concept in _CHECKS for f in analysis.findings)
    return checks, analysis.workitem.package, analysis.workitem.version, analysis.workitem.uid


def _named(ordered: Sequence[Analysis], phrases: Phrases) -> Iterator[tuple[Analysis, str]]:
    """Each analysis, with a letter for its series where one package read several."""
    total = Counter(analysis.workitem.package for analysis in ordered)
    seen: Counter[str] = Counter()
    for analysis in ordered:
        package = analysis.workitem.package
        prefix = phrases.series_prefix.format(letter=letter_of(seen[package])) if total[package] > 1 else ""
        seen[package] += 1
        yield analysis, prefix


def _stopped(ordered: Sequence[Analysis], phrases: Phrases) -> Iterator[Sentence]:
    for analysis in ordered:
        if analysis.stopped is not None:
            name = phrases.package(analysis.workitem.package)
            text = phrases.stopped.format(code=analysis.stopped)
            yield Sentence(text=phrases.statement.format(name=name, text=text), outcome=Outcome.LIMITED)


def _left_out(
    refused: Sequence[tuple[str, str]], not_applicable: Sequence[tuple[str, str]], phrases: Phrases
) -> Iterator[Sentence]:
    for package, code in refused:
        text = phrases.refused.format(reason=phrases.refusals.get(code, code), code=code)
        yield Sentence(text=phrases.statement.format(name=phrases.package(package), text=text), outcome=Outcome.LIMITED)
    for package, reason in not_applicable:
        text = phrases.not_applicable.format(reason=reason.rstrip("."))
        yield Sentence(text=phrases.statement.format(name=phrases.package(package), text=text))


def _impression(
    said: Sequence[Statement], refused: Sequence[str], phrases: Phrases, *, generated: bool
) -> Iterator[Sentence]:
    """What matters first: positive, limited, measured; then what was looked for and not found; then what is missing.

    generated: a model wrote a text of its own beside this report; what that text says is not known here, so nothing is
    concluded from the absence of positive findings.
    """
    stated = [statement.impression for statement in said if statement.impression is not None]
    yield from sorted(stated, key=lambda sentence: _IMPRESSION_ORDER.index(sentence.outcome))
    if said and not generated and not any(sentence.outcome is Outcome.POSITIVE for sentence in stated):
        yield Sentence(text=phrases.nothing_positive, outcome=Outcome.NEGATIVE)
    absent = [statement for statement in said if statement.absent]
    if absent:
        names = phrases.fact_separator.join(dict.fromkeys(statement.absent for statement in absent))
        evidence = tuple(pair for statement in absent for pair in statement.finding.evidence)
        yield Sentence(text=phrases.not_found_list.format(names=names), outcome=Outcome.NEGATIVE, evidence=evidence)
    if refused:
        names = phrases.fact_separator.join(dict.fromkeys(phrases.package(package) for package in refused))
        yield Sentence(text=phrases.left_out.format(names=names), outcome=Outcome.LIMITED)
    if not said:
        yield Sentence(text=phrases.nothing_ran, outcome=Outcome.LIMITED)
