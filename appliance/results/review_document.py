"""What a reader answers, as a verified SR: the measurement report again, with those findings that were answered.

A finding that was agreed to stands as it stood; of one that was rejected only what it was and where, without its
numbers; both carry the verdict as a coded evaluation. The original is its predecessor (PS3.3 C.17.2.2), who answered is
the Verifying Observer (C.17.2.1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO

from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian

from appliance.domain.coding import PRIVATE_SCHEME, CodedConcept
from appliance.domain.dicom_result import DicomResult, ResultKind
from appliance.domain.errors import ResultRefused
from appliance.domain.feedback import Verdict
from appliance.domain.identifiers import SeriesInstanceUID, derived_uid
from appliance.results import codes
from appliance.results.content_items import CONTAINS, code, text
from appliance.results.encoding import as_result, encode, guarded, local_time, stamp
from appliance.results.evidence import references, row_of
from appliance.results.measurement_report import uses_private_concepts
from appliance.results.provenance import shortened

READER_VERDICT = CodedConcept("reader-verdict", PRIVATE_SCHEME, "Verdict of the reader")
VERDICTS: Mapping[Verdict, CodedConcept] = {
    Verdict.AGREE: CodedConcept("reader-agrees", PRIVATE_SCHEME, "The reader agrees"),
    Verdict.WRONG: CodedConcept("reader-rejects", PRIVATE_SCHEME, "The reader rejects the finding"),
    Verdict.CORRECTED: CodedConcept("reader-corrects", PRIVATE_SCHEME, "The reader corrects the finding"),
}
"""What can be said of a finding that the report has; what was missed it does not have."""
_MEASUREMENTS, _TRACKING = ("126010", "DCM"), ("112040", "DCM")
_IDENTITY = frozenset({("112039", "DCM"), _TRACKING, ("276214006", "SCT"), ("121071", "DCM")})
_NO_ORGANISATION = "Not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderAnswer:
    """The newest answer to one finding; note: free text, which may name a patient."""

    tracking_uid: str
    verdict: Verdict
    reader_name: str
    at: datetime
    note: str = field(default="", repr=False)


def review_series_uid(original: SeriesInstanceUID) -> SeriesInstanceUID:
    """The series of the reviews of the measurement reports of one series."""
    return SeriesInstanceUID(derived_uid("review-series", original))


def build_review(
    original: DicomResult, predecessors: Sequence[DicomResult], answers: Sequence[ReaderAnswer], organisation: str
) -> DicomResult:
    """The verified SR for a measurement report of ours; at least one answer must be to a finding that it has.

    predecessors: earlier reviews that this one replaces. The same answers give the same bytes. Raises ResultRefused.
    """
    return guarded(lambda: _build(original, predecessors, answers, organisation))


def _build(
    original: DicomResult, predecessors: Sequence[DicomResult], answers: Sequence[ReaderAnswer], organisation: str
) -> DicomResult:
    dataset = dcmread(BytesIO(original.content))
    replaced = [row_of(dcmread(BytesIO(item.content), stop_before_pixels=True)) for item in (original, *predecessors)]
    by_uid = {answer.tracking_uid: answer for answer in answers if answer.verdict in VERDICTS}
    given = _answer_groups(dataset, by_uid)
    if not given:
        raise ResultRefused("no finding of the report was answered", where=original.sop_instance_uid)
    newest = max(answer.at for answer in given)
    moment = local_time(newest, dataset)
    edition = [f"{a.tracking_uid} {a.verdict} {a.reader_name} {a.at.isoformat()} {a.note}" for a in given]
    dataset.SOPInstanceUID = derived_uid("review", original.sop_instance_uid, *edition)
    dataset.SeriesInstanceUID = review_series_uid(original.series_instance_uid)
    dataset.SeriesNumber = int(dataset.SeriesNumber) + 500
    dataset.SeriesDescription = shortened(f"Review: {str(dataset.SeriesDescription).split(' (')[0]}")
    dataset.CompletionFlag, dataset.VerificationFlag, dataset.PreliminaryFlag = "COMPLETE", "VERIFIED", "FINAL"
    dataset.VerifyingObserverSequence = _observers(given, organisation, dataset)
    dataset.PredecessorDocumentsSequence = references(replaced)
    if uses_private_concepts(dataset) and "CodingSchemeIdentificationSequence" not in dataset:
        dataset.CodingSchemeIdentificationSequence = [codes.private_scheme()]
    stamp(dataset, moment)
    content = encode(dataset, ExplicitVRLittleEndian)
    _check(content, by_uid)
    return as_result(dataset, content, kind=ResultKind.REVIEW, workitem=original.workitem_uid)


def _answer_groups(dataset: Dataset, by_uid: Mapping[str, ReaderAnswer]) -> list[ReaderAnswer]:
    """Leave the groups that were answered, each with its verdict; the answers that were used."""
    given: list[ReaderAnswer] = []
    for item in dataset.ContentSequence:
        if _name(item) != _MEASUREMENTS:
            continue
        kept = []
        for group in item.ContentSequence:
            answer = by_uid.get(tracking_uid_of(group))
            if answer is not None:
                _add_verdict(group, answer)
                kept.append(group)
                given.append(answer)
        if kept:
            item.ContentSequence = kept
    return given


def _add_verdict(group: Dataset, answer: ReaderAnswer) -> None:
    children = list(group.ContentSequence)
    if answer.verdict is Verdict.WRONG:
        children = [child for child in children if _is_identity(child)]
    children.append(code(READER_VERDICT, VERDICTS[answer.verdict], CONTAINS))
    if answer.note:
        children.append(text(codes.COMMENT, answer.note))
    group.ContentSequence = children


def _is_identity(child: Dataset) -> bool:
    """What says which finding it was, and where; and who found it."""
    if child.ValueType in ("NUM", "CODE"):
        return _name(child) in _IDENTITY or str(child.RelationshipType) == "HAS CONCEPT MOD"
    return _name(child) != (codes.COMMENT.value, codes.COMMENT.scheme_designator)


def _observers(given: Sequence[ReaderAnswer], organisation: str, dataset: Dataset) -> list[Dataset]:
    """Each reader once, with the moment of the last answer."""
    last = {answer.reader_name: answer.at for answer in sorted(given, key=lambda answer: answer.at)}
    items = []
    for name, at in last.items():
        item = Dataset()
        item.VerifyingObserverName = _person_name(name)
        item.VerifyingObserverIdentificationCodeSequence = []
        item.VerifyingOrganization = shortened(organisation or _NO_ORGANISATION)
        item.VerificationDateTime = local_time(at, dataset).strftime("%Y%m%d%H%M%S")
        items.append(item)
    return items


def _person_name(name: str) -> str:
    """As PN holds it: one component, without its separators."""
    return "".join(" " if letter in "^=\\" else letter for letter in name).strip()[:64] or _NO_ORGANISATION


def _check(content: bytes, by_uid: Mapping[str, ReaderAnswer]) -> None:
    """What a receiver gets says of every finding what was answered. Raises ResultRefused."""
    for item in dcmread(BytesIO(content)).ContentSequence:
        for group in item.get("ContentSequence") or () if _name(item) == _MEASUREMENTS else ():
            answer = by_uid.get(tracking_uid_of(group))
            said = [
                codes.code_of(child.ConceptCodeSequence[0])[0] for child in group.ContentSequence if _is_verdict(child)
            ]
            if answer is None or said != [VERDICTS[answer.verdict].value]:
                raise ResultRefused("the review does not say what was answered")


def _is_verdict(child: Dataset) -> bool:
    return _name(child) == (READER_VERDICT.value, READER_VERDICT.scheme_designator)


def tracking_uid_of(group: Dataset) -> str:
    """The Tracking UID of a measurement group."""
    return next((str(i.UID) for i in group.get("ContentSequence") or () if _name(i) == _TRACKING), "")


def _name(item: Dataset) -> tuple[str, str]:
    names = item.get("ConceptNameCodeSequence")
    return codes.code_of(names[0]) if names else ("", "")
