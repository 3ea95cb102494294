"""SR content items as plain datasets (PS3.3 C.17.3), for documents that highdicom has no template for."""

from collections.abc import Sequence

from pydicom import Dataset
from pydicom.valuerep import format_number_as_ds

from appliance.domain.coding import CodedConcept
from appliance.domain.finding import Evaluation, Measurement
from appliance.results.codes import DERIVATION, concept, unit

CONTAINS = "CONTAINS"
INFERRED_FROM = "INFERRED FROM"
HAS_CONCEPT_MOD = "HAS CONCEPT MOD"


def container(name: CodedConcept, children: Sequence[Dataset]) -> Dataset:
    """A CONTAINER that is contained in its parent."""
    item = _item("CONTAINER", name, CONTAINS)
    item.ContinuityOfContent = "SEPARATE"
    item.ContentSequence = list(children)
    return item


def text(name: CodedConcept, value: str, evidence: Sequence[Dataset] = ()) -> Dataset:
    """A TEXT that is contained in its parent, and what it was inferred from."""
    item = _item("TEXT", name, CONTAINS)
    item.TextValue = value
    if evidence:
        item.ContentSequence = list(evidence)
    return item


def code(name: CodedConcept, value: CodedConcept, relationship: str) -> Dataset:
    """A CODE."""
    item = _item("CODE", name, relationship)
    item.ConceptCodeSequence = [concept(value)]
    return item


def inferred_from_number(number: Measurement) -> Dataset:
    """A NUM with its unit and derivation."""
    item = _item("NUM", number.concept, INFERRED_FROM)
    measured = Dataset()
    measured.NumericValue = format_number_as_ds(float(number.value))
    measured.FloatingPointValue = float(number.value)
    measured.MeasurementUnitsCodeSequence = [concept(unit(number.unit))]
    item.MeasuredValueSequence = [measured]
    if number.derivation is not None:
        item.ContentSequence = [code(DERIVATION, number.derivation, HAS_CONCEPT_MOD)]
    return item


def inferred_from_evaluation(evaluation: Evaluation) -> Dataset:
    """A CODE that says what was concluded."""
    return code(evaluation.concept, evaluation.value, INFERRED_FROM)


def inferred_from_object(
    value_type: str,
    name: CodedConcept,
    sop_class_uid: str,
    sop_instance_uid: str,
    *,
    frame: int | None = None,
    segment: int | None = None,
) -> Dataset:
    """A reference: IMAGE to a frame or a segment, COMPOSITE to another document."""
    item = _item(value_type, name, INFERRED_FROM)
    reference = Dataset()
    reference.ReferencedSOPClassUID = sop_class_uid
    reference.ReferencedSOPInstanceUID = sop_instance_uid
    if frame is not None:
        reference.ReferencedFrameNumber = frame
    if segment is not None:
        reference.ReferencedSegmentNumber = segment
    item.ReferencedSOPSequence = [reference]
    return item


def _item(value_type: str, name: CodedConcept, relationship: str) -> Dataset:
    item = Dataset()
    item.RelationshipType = relationship
    item.ValueType = value_type
    item.ConceptNameCodeSequence = [concept(name)]
    return item
