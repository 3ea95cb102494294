"""The printed page of a report (A4, reportlab): patient banner, draft mark, findings, impression, models.

The same content gives the same bytes. The standard fonts know Western European letters; others print as "?" here, and
stand unharmed in the SR.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from io import BytesIO

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from appliance.domain.finding import Narrative, Outcome, Sentence
from appliance.domain.model_package import ModelPackage
from appliance.results.wording import Wording, marked, wording

_INK, _GREY, _LINE = colors.HexColor("#1b2733"), colors.HexColor("#5b6b7a"), colors.HexColor("#c9d2da")
_AMBER, _AMBER_INK = colors.HexColor("#fff3d6"), colors.HexColor("#7a4b00")
_MARKS = {
    Outcome.POSITIVE: "#b3261e",
    Outcome.LIMITED: "#b26a00",
    Outcome.NEGATIVE: "#3a7d44",
    Outcome.INFORMATIVE: "#5b6b7a",
}
_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=14, textColor=_INK)
_SENTENCE = ParagraphStyle("sentence", parent=_BODY, leftIndent=12, bulletIndent=1, spaceAfter=2)
_HEADING = ParagraphStyle("heading", parent=_BODY, fontName="Helvetica-Bold", fontSize=12, spaceBefore=12, spaceAfter=4)
_TITLE = ParagraphStyle("title", parent=_BODY, fontName="Helvetica-Bold", fontSize=16, leading=20, spaceAfter=6)
_SMALL = ParagraphStyle("small", parent=_BODY, fontSize=8, leading=10.5)
_LABEL = ParagraphStyle("label", parent=_SMALL, textColor=_GREY)
_BANNER = ParagraphStyle("banner", parent=_BODY, textColor=_AMBER_INK, fontSize=9, leading=12)
_FRAME_PADDING = 6
_WIDTH = A4[0] - 36 * mm - 2 * _FRAME_PADDING


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientBanner:
    """Whose study it is, as the page shows it; all of it text."""

    name: str
    patient_id: str
    birth_date: str
    sex: str
    study: str
    study_date: str
    accession: str
    created: str
    footer: str


def render(
    narrative: Narrative,
    banner: PatientBanner,
    packages: Sequence[ModelPackage],
    has_evidence: Callable[[Sentence], bool],
) -> bytes:
    """The PDF file."""
    words = wording(narrative.language)
    story: list[Flowable] = [
        Paragraph(_markup(narrative.title), _TITLE),
        _patient_table(banner, words),
        Spacer(0, 3 * mm),
        _draft_banner(words),
        *_section(words.findings, narrative.findings, has_evidence, words),
        *_section(words.impression, narrative.impression, has_evidence, words),
        Paragraph(_markup(words.analysed_with), _HEADING),
        _model_table(packages, words),
    ]
    buffer = BytesIO()
    document = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=16 * mm,
        bottomMargin=18 * mm,
        title=_latin(narrative.title),
        author="",
        invariant=1,
    )
    footer = partial(_footer, banner=banner, words=words)
    document.build(story, onFirstPage=footer, onLaterPages=footer)
    return buffer.getvalue()


def _patient_table(banner: PatientBanner, words: Wording) -> Table:
    cells = [
        [(words.patient, banner.name), (words.patient_id, banner.patient_id)],
        [(words.born, banner.birth_date), (words.sex, banner.sex)],
        [(words.study, banner.study), (words.study_date, banner.study_date)],
        [(words.accession, banner.accession), (words.created, banner.created)],
    ]
    rows = [[part for label, value in row for part in (_label(label), _value(value))] for row in cells]
    table = Table(rows, colWidths=[30 * mm, 62 * mm, 34 * mm, _WIDTH - 126 * mm])
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEABOVE", (0, 0), (-1, 0), 0.8, _INK),
                ("LINEBELOW", (0, -1), (-1, -1), 0.8, _INK),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
            ]
        )
    )
    return table


def _draft_banner(words: Wording) -> Table:
    text = f"<b>{_markup(words.draft)}</b><br/>{_markup(words.draft_advice)}"
    table = Table([[Paragraph(text, _BANNER)]], colWidths=[_WIDTH])
    table.setStyle(TableStyle([("BACKGROUND", (0, 0), (-1, -1), _AMBER), ("BOX", (0, 0), (-1, -1), 0.6, _AMBER_INK)]))
    return table


def _section(
    heading: str, sentences: Sequence[Sentence], has_evidence: Callable[[Sentence], bool], words: Wording
) -> list[Flowable]:
    story: list[Flowable] = [Paragraph(_markup(heading), _HEADING)]
    for sentence in sentences:
        text = marked(sentence.text, has_evidence=has_evidence(sentence), words=words)
        bullet = f'<bullet><font color="{_MARKS[sentence.outcome]}">&bull;</font></bullet>'
        story.append(Paragraph(bullet + _markup(text), _SENTENCE))
    if not sentences:
        story.append(Paragraph(_markup(words.nothing_reported), _BODY))
    return story


def _model_table(packages: Sequence[ModelPackage], words: Wording) -> Table:
    header = [_label(text) for text in (words.model, words.version, words.maker, words.status)]
    rows = [
        [_value(p.title), _value(p.version), _value(p.manufacturer), _value(words.statuses[p.status])] for p in packages
    ]
    table = Table([header, *rows], colWidths=[_WIDTH - 112 * mm, 22 * mm, 58 * mm, 32 * mm])
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return table


def _footer(canvas: Canvas, document: SimpleDocTemplate, *, banner: PatientBanner, words: Wording) -> None:
    canvas.saveState()
    canvas.setFont("Helvetica", 7.5)
    canvas.setFillColor(_GREY)
    canvas.drawString(18 * mm, 10 * mm, _latin(f"{words.draft} {banner.footer}"))
    canvas.drawRightString(A4[0] - 18 * mm, 10 * mm, f"{words.page} {document.page}")
    canvas.restoreState()


def _label(text: str) -> Paragraph:
    return Paragraph(_markup(text), _LABEL)


def _value(text: str) -> Paragraph:
    return Paragraph(_markup(text), _SMALL)


def _markup(text: str) -> str:
    return escape(_latin(text))


def _latin(text: str) -> str:
    return text.encode("cp1252", "replace").decode("cp1252")
