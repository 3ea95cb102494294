"""Coded concepts (PS3.3 8.8): value, scheme, meaning."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CodedConcept:
    """A concept of a coding scheme; two are equal when value and scheme are, whatever the wording."""

    value: str
    scheme_designator: str
    meaning: str = field(compare=False)


PRIVATE_SCHEME = "99APPLIANCE"


def private(value: str, meaning: str) -> CodedConcept:
    """A concept of our own scheme, for what no public scheme has."""
    return CodedConcept(value, PRIVATE_SCHEME, meaning)


PRESENT = CodedConcept("52101004", "SCT", "Present")
ABSENT = CodedConcept("2667000", "SCT", "Absent")
UNDETERMINED = CodedConcept("373068000", "SCT", "Undetermined")
NORMAL = CodedConcept("17621005", "SCT", "Normal")
ABNORMAL = CodedConcept("263654008", "SCT", "Abnormal")

TISSUE = CodedConcept("85756007", "SCT", "Tissue")
ORGAN = CodedConcept("113343008", "SCT", "Organ")

RIGHT = CodedConcept("24028007", "SCT", "Right")
LEFT = CodedConcept("7771000", "SCT", "Left")

HOUNSFIELD_UNIT = CodedConcept("[hnsf'U]", "UCUM", "Hounsfield unit")
MILLILITRE = CodedConcept("ml", "UCUM", "Millilitre")
MILLIMETRE = CodedConcept("mm", "UCUM", "Millimeter")
SQUARE_CENTIMETRE = CodedConcept("cm2", "UCUM", "Square centimeter")
RATIO = CodedConcept("{ratio}", "UCUM", "ratio")
PERCENT = CodedConcept("%", "UCUM", "Percent")
NO_UNITS = CodedConcept("1", "UCUM", "no units")
