"""SR content items as plain datasets (PS3.3 C.17.3), for documents that highdicom has no template for."""

from collections.abc import Sequence

from pydicom import Dataset

from appliance.domain.coding import CodedConcept
from appliance.domain.finding import Evaluation, Measurement
from appliance.results.codes import DERIVATION, concept, unit
from appliance.results.decimal_strings import decimal_string

CONTAINS = "CONTAINS"
INFERRED_FROM = "INFERRED FROM"
HAS_CONCEPT_MOD = "HAS CONCEPT MOD"
HAS_ACQ_CONTEXT = "HAS ACQ CONTEXT"


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


def number(name: CodedConcept, value: float, of: CodedConcept, relationship: str) -> Dataset:
    """A NUM with its unit."""
    item = _item("NUM", name, relationship)
    measured = Dataset()
    measured.NumericValue = decimal_string(value)
    measured.FloatingPointValue = float(value)
    measured.MeasurementUnitsCodeSequence = [concept(unit(of))]
    item.MeasuredValueSequence = [measured]
    return item


def uid_reference(name: CodedConcept, value: str, relationship: str) -> Dataset:
    """A UIDREF."""
    item = _item("UIDREF", name, relationship)
    item.UID = value
    return item


def inferred_from_number(measurement: Measurement) -> Dataset:
    """The NUM of a measurement, with its derivation."""
    item = number(measurement.concept, measurement.value, measurement.unit, INFERRED_FROM)
    if measurement.derivation is not None:
        item.ContentSequence = [code(DERIVATION, measurement.derivation, HAS_CONCEPT_MOD)]
    return item


def inferred_from_evaluation(evaluation: Evaluation) -> Dataset:
    """A CODE that says what was concluded."""
    return code(evaluation.concept, evaluation.value, INFERRED_FROM)


def reference(
    value_type: str,
    name: CodedConcept,
    sop_class_uid: str,
    sop_instance_uid: str,
    relationship: str = INFERRED_FROM,
    *,
    frames: Sequence[int] = (),
    segment: int | None = None,
) -> Dataset:
    """IMAGE, to an image, frames of it or a segment; or COMPOSITE, to another document."""
    item = _item(value_type, name, relationship)
    target = Dataset()
    target.ReferencedSOPClassUID = sop_class_uid
    target.ReferencedSOPInstanceUID = sop_instance_uid
    if frames:
        target.ReferencedFrameNumber = list(frames)
    if segment is not None:
        target.ReferencedSegmentNumber = segment
    item.ReferencedSOPSequence = [target]
    return item


def _item(value_type: str, name: CodedConcept, relationship: str) -> Dataset:
    item = Dataset()
    item.RelationshipType = relationship
    item.ValueType = value_type
    item.ConceptNameCodeSequence = [concept(name)]
    return item
