"""What outputs mean: families turn them into findings, and the findings of a study into a report."""

from collections.abc import Mapping
from types import MappingProxyType

from appliance.findings import burnt_in_text, classification, modality, quality, report, segmentation
from appliance.findings.families import Family
from appliance.findings.gates import stop_code

_ALL = (
    burnt_in_text.FAMILY,
    classification.FAMILY,
    modality.FAMILY,
    quality.FAMILY,
    report.FAMILY,
    segmentation.FAMILY,
)

FAMILIES: Mapping[str, Family] = MappingProxyType({family.name: family for family in _ALL})
"""The families a manifest may name. A new family is one module and one line."""

FAMILY_OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType({family.name: family.options for family in _ALL})
"""The options each family takes, for the reader of manifests."""

__all__ = ["FAMILIES", "FAMILY_OPTIONS", "stop_code"]
