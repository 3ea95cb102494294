"""Lists of the objects that a document rests on or supersedes (Hierarchical SOP Instance Reference, PS3.3 C.17.2.1)."""

from collections.abc import Iterable
from typing import NamedTuple

from pydicom import Dataset

from appliance.domain.dicom_result import DicomResult
from appliance.results.options import DocumentReference


class Row(NamedTuple):
    """One object, and where it is."""

    study: str
    series: str
    sop_class: str
    instance: str


def row_of(header: Dataset) -> Row:
    """Of a header, or of a dataset of ours."""
    uids = (header.StudyInstanceUID, header.SeriesInstanceUID, header.SOPClassUID, header.SOPInstanceUID)
    return Row(*map(str, uids))


def row_of_result(result: DicomResult) -> Row:
    """Of a stored result."""
    return row_of_document(DocumentReference.to(result))


def row_of_document(document: DocumentReference) -> Row:
    """Of a reference."""
    return Row(
        document.study_instance_uid, document.series_instance_uid, document.sop_class_uid, document.sop_instance_uid
    )


def references(rows: Iterable[Row]) -> list[Dataset]:
    """Items of Current Requested Procedure Evidence (0040,A375) or Predecessor Documents (0040,A360): each object once,
    by study and series.
    """
    studies: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        studies.setdefault(row.study, {}).setdefault(row.series, {})[row.instance] = row.sop_class
    return [_study(study, content) for study, content in studies.items()]


def _study(study: str, content: dict[str, dict[str, str]]) -> Dataset:
    item = Dataset()
    item.StudyInstanceUID = study
    item.ReferencedSeriesSequence = [_series(series, instances) for series, instances in content.items()]
    return item


def _series(series: str, instances: dict[str, str]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = series
    item.ReferencedSOPSequence = [_instance(instance, sop_class) for instance, sop_class in instances.items()]
    return item


def _instance(instance: str, sop_class: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
    return item
