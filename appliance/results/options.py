"""What a destination or a rule may choose about results; defaults are what most readers understand."""

from dataclasses import dataclass
from enum import StrEnum

from appliance.domain.dicom_result import DicomResult
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID


class SegmentationEncoding(StrEnum):
    """Segmentation Type (0062,0001) of the SEG objects.

    LABELMAP is far smaller with many organs, but readers before 2024 do not know it. Segments that overlap cannot be a
    label map and are written as BINARY whatever is asked.
    """

    BINARY = "BINARY"
    LABELMAP = "LABELMAP"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReference:
    """A stored document that a new one names, for instance as its predecessor."""

    study_instance_uid: StudyInstanceUID
    series_instance_uid: SeriesInstanceUID
    sop_class_uid: str
    sop_instance_uid: SOPInstanceUID

    @classmethod
    def to(cls, result: DicomResult) -> "DocumentReference":
        """The reference to a result of ours."""
        return cls(
            study_instance_uid=result.study_instance_uid,
            series_instance_uid=result.series_instance_uid,
            sop_class_uid=result.sop_class_uid,
            sop_instance_uid=result.sop_instance_uid,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultOptions:
    """segmentation: None for a reader of no SEG, whose SR then refers to none. largest_segment_count: a SEG with more
    segments is split; 0 for no bound. keep_empty_frames: store every source slice in the SEG, for viewers that misplace
    sparse ones. predecessors: documents that the new SR supersedes (late slices, a deliberate re-analysis).

    edition: tells documents apart that say the same to different readers (another language, other predecessors); it
    goes into their UIDs and is empty for the node's own.
    """

    segmentation: SegmentationEncoding | None = SegmentationEncoding.BINARY
    largest_segment_count: int = 0
    keep_empty_frames: bool = False
    predecessors: tuple[DocumentReference, ...] = ()
    edition: str = ""

    @property
    def form(self) -> str:
        """What is particular about the SEG; empty for one BINARY object with all segments."""
        if self.segmentation is None:
            return "none"
        encoding = "" if self.segmentation is SegmentationEncoding.BINARY else str(self.segmentation)
        bound = f"at most {self.largest_segment_count}" if self.largest_segment_count else ""
        return " ".join(part for part in (encoding, bound) if part)

    @property
    def document_edition(self) -> str:
        """What tells a document apart: it refers to the SEG of its own reader."""
        return ", ".join(part for part in (self.form, self.edition) if part)


DEFAULT_OPTIONS = ResultOptions()
