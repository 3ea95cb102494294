"""Findings to DICOM: SEG, measurement SR, report SR, PDF and text; proven by read-back, the same bytes on every run."""

from appliance.results.build import build_report, build_results
from appliance.results.options import DEFAULT_OPTIONS, DocumentReference, ResultOptions, SegmentationEncoding
from appliance.results.reported import ReportedAnalysis
from appliance.results.segmentation import effective

__all__ = [
    "DEFAULT_OPTIONS",
    "DocumentReference",
    "ReportedAnalysis",
    "ResultOptions",
    "SegmentationEncoding",
    "build_report",
    "build_results",
    "effective",
]
