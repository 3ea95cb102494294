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
    """keep_empty_frames: store every source slice in the SEG, for viewers that misplace sparse ones.

    predecessors: documents that the new SR supersedes (late slices, a deliberate re-analysis).
    """

    segmentation: SegmentationEncoding = SegmentationEncoding.BINARY
    keep_empty_frames: bool = False
    predecessors: tuple[DocumentReference, ...] = ()


DEFAULT_OPTIONS = ResultOptions()
