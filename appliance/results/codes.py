"""Coded concepts as pydicom and highdicom want them, and the concepts that only result objects need."""

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept as DicomConcept
from pydicom import Dataset

from appliance.domain.coding import MILLILITRE, PRIVATE_SCHEME, CodedConcept

# PS3.16 annex D
LANGUAGE_OF_CONTENT = CodedConcept("121049", "DCM", "Language of Content Item and Descendants")
OBSERVER_TYPE = CodedConcept("121005", "DCM", "Observer Type")
DEVICE = CodedConcept("121007", "DCM", "Device")
DEVICE_OBSERVER_UID = CodedConcept("121012", "DCM", "Device Observer UID")
DEVICE_OBSERVER_NAME = CodedConcept("121013", "DCM", "Device Observer Name")
DEVICE_OBSERVER_MANUFACTURER = CodedConcept("121014", "DCM", "Device Observer Manufacturer")
DEVICE_OBSERVER_MODEL_NAME = CodedConcept("121015", "DCM", "Device Observer Model Name")
DEVICE_OBSERVER_SERIAL_NUMBER = CodedConcept("121016", "DCM", "Device Observer Serial Number")
CURRENT_PROCEDURE_DESCRIPTIONS = CodedConcept("121064", "DCM", "Current Procedure Descriptions")
CURRENT_PROCEDURE_DESCRIPTION = CodedConcept("121065", "DCM", "Procedure Description")
FINDINGS = CodedConcept("121070", "DCM", "Findings")
FINDING = CodedConcept("121071", "DCM", "Finding")
IMPRESSIONS = CodedConcept("121072", "DCM", "Impressions")
IMPRESSION = CodedConcept("121073", "DCM", "Impression")
COMMENT = CodedConcept("121106", "DCM", "Comment")
REFERENCED_SEGMENT = CodedConcept("121191", "DCM", "Referenced Segment")
SOURCE_OF_MEASUREMENT = CodedConcept("121112", "DCM", "Source of Measurement")
DERIVATION = CodedConcept("121401", "DCM", "Derivation")
PROBABILITY = CodedConcept("122157", "DCM", "Probability")
THRESHOLD = CodedConcept("122411", "DCM", "Threshold Value")
SOURCE_IMAGE = CodedConcept("121322", "DCM", "Source image for image processing operation")
IMAGING_MEASUREMENTS = CodedConcept("126010", "DCM", "Imaging Measurements")
IMAGE_LIBRARY = CodedConcept("111028", "DCM", "Image Library")
IMAGE_LIBRARY_GROUP = CodedConcept("126200", "DCM", "Image Library Group")
MEASUREMENT_REPORT = CodedConcept("126000", "DCM", "Imaging Measurement Report")
IMAGE_QUALITY = CodedConcept("111101", "DCM", "Image Quality")

DIAGNOSTIC_IMAGING_REPORT = CodedConcept("18748-4", "LN", "Diagnostic Imaging Report")
ENTIRE_IMAGE = CodedConcept("260753009", "SCT", "Source")

# CID 100, by Modality
PROCEDURES = {
    "CT": CodedConcept("25045-6", "LN", "CT unspecified body region"),
    "MR": CodedConcept("25056-3", "LN", "MRI unspecified body region"),
    "PT": CodedConcept("44136-0", "LN", "PET unspecified body region"),
    "NM": CodedConcept("49118-3", "LN", "NM unspecified body region"),
    "CR": CodedConcept("43468-8", "LN", "XR unspecified body region"),
    "DX": CodedConcept("43468-8", "LN", "XR unspecified body region"),
}
UNSPECIFIED_PROCEDURE = CodedConcept("363679005", "SCT", "Imaging procedure")

_CUBIC_CENTIMETRE = CodedConcept("cm3", "UCUM", "Cubic centimeter")

LANGUAGES = {
    "en": CodedConcept("en", "RFC5646", "English"),
    "de": CodedConcept("de", "RFC5646", "German"),
}


def concept(code: CodedConcept) -> DicomConcept:
    """For highdicom; meanings are cut to the 64 characters that Code Meaning (0008,0104) holds."""
    return DicomConcept(code.value, code.scheme_designator, code.meaning[:64])


def unit(code: CodedConcept) -> CodedConcept:
    """The unit as the context groups for measurements have it (CID 7460 to 7462): a millilitre is one cm3."""
    return _CUBIC_CENTIMETRE if code == MILLILITRE else code


def language(tag: str) -> CodedConcept:
    """The language of a document as RFC 5646 codes it; an unknown tag stands for itself."""
    return LANGUAGES.get(tag) or CodedConcept(tag, "RFC5646", tag)


def private_scheme() -> CodingSchemeIdentificationItem:
    """Says in the object itself who defines the private concepts (PS3.3 C.12.1.1.1)."""
    return CodingSchemeIdentificationItem(
        designator=PRIVATE_SCHEME, name="Concepts of the inference appliance", responsible_organization="Local"
    )


def code_of(item: Dataset) -> tuple[str, str]:
    """(value, scheme) of an encoded concept, wherever its length put the value."""
    value = item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue") or ""
    return str(value), str(item.get("CodingSchemeDesignator", ""))
