"""Reports and measurements as plain text: for HL7, FHIR, terminals and the ledger. No patient attributes."""

from collections.abc import Callable, Iterator, Sequence
from textwrap import fill

from appliance.domain.finding import Evaluation, Measurement, Narrative, Sentence
from appliance.domain.model_package import ModelPackage
from appliance.results.grouping import FindingGroup
from appliance.results.wording import Wording, marked, wording

_WIDTH = 100


def report_text(
    narrative: Narrative, packages: Sequence[ModelPackage], has_evidence: Callable[[Sentence], bool]
) -> str:
    """The report, its draft mark first, the models last."""
    words = wording(narrative.language)
    lines = [words.draft, "", narrative.title, "=" * len(narrative.title)]
    for heading, sentences in ((words.findings, narrative.findings), (words.impression, narrative.impression)):
        lines += ["", heading, "-" * len(heading), *_sentences(sentences, has_evidence, words)]
    lines += ["", f"{words.analysed_with}:", *(f"  {model_text(package, words)}" for package in packages)]
    return "\n".join(lines) + "\n"


def model_text(package: ModelPackage, words: Wording) -> str:
    """One line that identifies a model."""
    return (
        f"{package.title} ({package.name} {package.version}, {package.manufacturer}; {words.statuses[package.status]})"
    )


def measurements_text(groups: Sequence[FindingGroup], package: ModelPackage) -> str:
    """What a measurement report says, one line per statement."""
    lines = [f"{package.title} {package.version} (AI, unverified)"]
    for group in groups:
        lines.append(f"{group.tracking_id}:")
        lines += [f"  {statement}" for statement in _statements(group)]
    return "\n".join(lines) + "\n"


def measurement_text(item: Measurement) -> str:
    """Name, derivation, value and unit."""
    name = item.concept.meaning + (f" ({item.derivation.meaning.lower()})" if item.derivation else "")
    unit = "" if item.unit.value in {"1", "{ratio}"} else f" {_UNITS.get(item.unit.value, item.unit.value)}"
    return f"{name}: {item.value:.5g}{unit}"


_UNITS = {"[hnsf'U]": "HU", "cm2": "cm²", "cm3": "cm³", "mm2": "mm²"}


def _statements(group: FindingGroup) -> Iterator[str]:
    for item in group.evaluations:
        yield _evaluation_text(item)
    for number in group.numbers:
        yield measurement_text(number)


def _evaluation_text(item: Evaluation) -> str:
    reason = f" ({item.explanation})" if item.explanation else ""
    return f"{item.concept.meaning}: {item.value.meaning}{reason}"


def _sentences(
    sentences: Sequence[Sentence], has_evidence: Callable[[Sentence], bool], words: Wording
) -> Iterator[str]:
    for sentence in sentences:
        text = marked(sentence.text, has_evidence=has_evidence(sentence), words=words)
        yield fill(text, _WIDTH, initial_indent="- ", subsequent_indent="  ")
    if not sentences:
        yield f"- {words.nothing_reported}"
