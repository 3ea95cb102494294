"""Patient, study and equipment attributes that results take over from their source, in values that may be stored.

Real headers have faults: unparsable dates, text in an undeclared character set, missing type-2 attributes. Identifying
text is taken over as it stands (decoded, so that it can be stored as ISO_IR 192); a value of a format that cannot be
stored is left empty. Nothing is invented, and UIDs are never touched.
"""

from typing import Any

from pydicom import Dataset
from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR
from pydicom.multival import MultiValue
from pydicom.valuerep import validate_value

CHARACTER_SET = "ISO_IR 192"

TYPE_2 = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "ReferringPhysicianName",
)
OPTIONAL = (
    "IssuerOfPatientID",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyDescription",
    "TimezoneOffsetFromUTC",
)
EQUIPMENT = (
    "Manufacturer",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "SoftwareVersions",
    "StationName",
    "InstitutionName",
)
_TEXT = frozenset({"LO", "SH", "PN", "LT", "ST"})
_SEXES = frozenset({"M", "F", "O"})


def patient_and_study(header: Dataset) -> Dataset:
    """The Patient and General Study attributes of `header`: every type-2 attribute present, values storable."""
    copied = Dataset()
    copied.SpecificCharacterSet = CHARACTER_SET
    copied.StudyInstanceUID = str(header.StudyInstanceUID)
    for keyword in TYPE_2:
        setattr(copied, keyword, storable(header, keyword))
    if copied.PatientSex not in _SEXES:
        copied.PatientSex = ""
    _copy_present(header, copied, OPTIONAL)
    return copied


def unnamed(header: Dataset) -> Dataset:
    """The same without the patient's name, for highdicom: it warns of names it finds unlikely, and quotes them."""
    copied = patient_and_study(header)
    copied.PatientName = ""
    return copied


def equipment(header: Dataset) -> Dataset:
    """The maker of the images, for Contributing Equipment."""
    copied = Dataset()
    _copy_present(header, copied, EQUIPMENT)
    return copied


def storable(header: Dataset, keyword: str) -> str:
    """The value of `keyword` as text that its VR allows, or an empty string."""
    value = header.get(keyword)
    if value is None:
        return ""
    text = _joined(value)
    if dictionary_VR(keyword) in _TEXT:
        return "".join(character for character in text if character.isprintable())
    return text if _is_valid(dictionary_VR(keyword), text) else ""


def _joined(value: Any) -> str:
    """A backslash in an attribute of one value splits it when it is read; a slash keeps the text together."""
    parts = list(value) if isinstance(value, MultiValue) else [value]
    return "/".join(str(part) for part in parts).strip()


def _is_valid(vr: str, text: str) -> bool:
    try:
        validate_value(vr, text, RAISE)
    except ValueError:
        return False
    return True


def _copy_present(header: Dataset, target: Dataset, keywords: tuple[str, ...]) -> None:
    for keyword in keywords:
        if text := storable(header, keyword):
            setattr(target, keyword, text)
