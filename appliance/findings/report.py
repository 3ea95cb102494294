"""Report text that a network wrote: kept as it is, sentence by sentence, and marked as generated.

Options of `[findings.options]`:
output     name of the output that holds the text ("text")
language   of the text, RFC 5646 ("en")
title      of the report ("AI generated text, demonstration, unverified")

No sentence has evidence: the network gives none. What a sentence claims is checked against the other findings of the
study before it is sent (consistency).
"""

import re
from collections.abc import Mapping

from appliance.domain.errors import RuntimeMismatch
from appliance.domain.finding import Narrative, Sentence
from appliance.domain.image import Array, Prepared, Source
from appliance.domain.model_package import ModelPackage
from appliance.findings.families import Family, option, output_named

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=\S)")
_HEADING = re.compile(r"\b(findings|impression|befund|beurteilung)\s*:\s*", re.IGNORECASE)


def interpret(
    outputs: Mapping[str, Array],
    prepared: Prepared,
    source: Source,
    package: ModelPackage,
    *,
    source_index: int = 0,
) -> tuple[Narrative, ...]:
    """One narrative; text before any heading is findings. Raises RuntimeMismatch when nothing was written."""
    text = " ".join(str(part) for part in output_named(outputs, option(package, "output", "text")).ravel())
    findings, impression = _sections(text)
    if not findings and not impression:
        raise RuntimeMismatch("the network wrote no text")
    return (
        Narrative(
            language=option(package, "language", "en"),
            title=option(package, "title", "AI generated text, demonstration, unverified"),
            findings=findings,
            impression=impression,
            generator="neural",
        ),
    )


def _sections(text: str) -> tuple[tuple[Sentence, ...], tuple[Sentence, ...]]:
    before, *rest = _HEADING.split(text)
    findings = _sentences(before)
    impression: tuple[Sentence, ...] = ()
    for heading, body in zip(rest[::2], rest[1::2], strict=True):
        if heading.lower() in ("impression", "beurteilung"):
            impression += _sentences(body)
        else:
            findings += _sentences(body)
    return findings, impression


def _sentences(text: str) -> tuple[Sentence, ...]:
    return tuple(Sentence(text=part.strip()) for part in _SENTENCE_END.split(text.strip()) if part.strip())


FAMILY = Family(name="report", options=frozenset({"output", "language", "title"}), interpret=interpret)
