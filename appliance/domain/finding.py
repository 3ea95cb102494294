"""Findings: what a model says, coded, and before any DICOM object says it."""

from dataclasses import dataclass, field
from enum import StrEnum

from appliance.domain.coding import CodedConcept
from appliance.domain.image import FrameReference, Mask


class Outcome(StrEnum):
    """How a finding reads on a worklist."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    LIMITED = "limited"
    INFORMATIVE = "informative"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """The threshold a decision was made at, and what the model card says it is good for."""

    name: str
    threshold: float
    sensitivity: float | None = None
    specificity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A region of the source, in the grid of the source.

    mask: bool, shape of the source ([slice, row, column] or [row, column]). `number` is the Segment Number, from 1.
    `source_index` names the source it lies in, where a series holds several planar images.
    """

    number: int
    label: str
    category: CodedConcept
    property_type: CodedConcept
    modifier: CodedConcept | None = None
    colour: tuple[int, int, int] = (255, 0, 0)
    tracking_id: str = ""
    mask: Mask = field(compare=False, repr=False)
    source_index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A number with its unit; `segment` is the Segment Number it was measured in, None for the whole image or study."""

    concept: CodedConcept
    value: float
    unit: CodedConcept
    segment: int | None = None
    derivation: CodedConcept | None = None
    method: CodedConcept | None = None
    source_index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A coded statement: `concept` has the value `value`.

    ABSENT as the value is the coded negative: the model ran and found nothing. `probability` in 0..1 is the model's
    own, calibrated only where the manifest says so.
    """

    concept: CodedConcept
    value: CodedConcept
    outcome: Outcome
    probability: float | None = None
    operating_point: OperatingPoint | None = None
    segment: int | None = None
    explanation: str = ""
    source_index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A polygon on one stored frame: (column, row) pairs in pixels, origin at the top-left corner of the top-left
    pixel.

    `text` is what was read there; it may name a patient and is never logged.
    """

    concept: CodedConcept
    frame: FrameReference
    polygon: tuple[tuple[float, float], ...]
    probability: float | None = None
    tracking_id: str = ""
    text: str = field(default="", repr=False)
    source_index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence of a report and the evidence it rests on.

    evidence: (workitem UID, index into that workitem's findings) pairs; empty for a sentence that a generator wrote
    without one, which the report then marks.
    """

    text: str
    outcome: Outcome = Outcome.INFORMATIVE
    evidence: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative:
    """A report text: findings and impression. `language` is RFC 5646 ("en", "de")."""

    language: str
    title: str
    findings: tuple[Sentence, ...]
    impression: tuple[Sentence, ...]
    generator: str = "template"


Finding = Segment | Measurement | Evaluation | Region | Narrative
