"""Findings to DICOM: SEG, SR, report, PDF, picture and text; proven by read-back, the same bytes on every run."""

from appliance.results.build import build_report, build_results
from appliance.results.options import DEFAULT_OPTIONS, DocumentReference, ResultOptions, SegmentationEncoding
from appliance.results.rejection_note import PATIENT_SAFETY, RETENTION_EXPIRED, build_rejection_note
from appliance.results.reported import ReportedAnalysis
from appliance.results.segmentation import effective
from appliance.results.summary import build_summary
from appliance.results.superseded_note import build_superseded_note

__all__ = [
    "DEFAULT_OPTIONS",
    "PATIENT_SAFETY",
    "RETENTION_EXPIRED",
    "DocumentReference",
    "ReportedAnalysis",
    "ResultOptions",
    "SegmentationEncoding",
    "build_rejection_note",
    "build_report",
    "build_results",
    "build_summary",
    "build_superseded_note",
    "effective",
]
