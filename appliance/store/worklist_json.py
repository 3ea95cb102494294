"""Lines of the worklist to rows and back."""

from datetime import datetime
from typing import Any

from appliance.domain.finding import Outcome
from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID
from appliance.domain.reading import Reading
from appliance.domain.workitem import URGENCY, ProcedureStepState
from appliance.domain.worklist import AiStatus, Entry, Identity, Line, Patient, Progress, StudyFacts
from appliance.store.schema import WorklistRow

_PRIORITY = {number: priority for priority, number in URGENCY.items()}


def entry_of(row: WorklistRow) -> Entry:
    """The line of a row."""
    return Entry(study=_study(row), progress=_progress(row), reading=_reading(row), revision=row.revision)


def _study(row: WorklistRow) -> StudyFacts:
    return StudyFacts(
        study_instance_uid=StudyInstanceUID(row.study_instance_uid),
        arrived_at=row.arrived_at,
        patient=Patient(**{**row.patient, "identity": Identity(row.patient["identity"])}),
        accession_number=row.accession_number,
        description=row.description,
        modalities=tuple(filter(None, row.modalities.split("\\"))),
        study_date=row.study_date,
        study_time=row.study_time,
        series=row.series,
        instances=row.instances,
        priority=_PRIORITY[row.urgency],
    )


def plain_patient(patient: Patient) -> dict[str, Any]:
    """As JSON."""
    return {
        "name": patient.name,
        "id": patient.id,
        "birth_date": patient.birth_date,
        "sex": patient.sex,
        "age": patient.age,
        "identity": patient.identity.value,
    }


def plain_progress(progress: Progress) -> dict[str, Any]:
    """As JSON; the status has a column."""
    return {
        "is_positive": progress.is_positive,
        "expected_at": progress.expected_at.isoformat() if progress.expected_at else None,
        "failed": progress.failed,
        "reasons": list(progress.reasons),
        "lines": [[line.outcome.value, dict(line.text)] for line in progress.lines],
        "more": progress.more,
    }


def _progress(row: WorklistRow) -> Progress:
    plain = row.progress
    return Progress(
        status=AiStatus(row.status),
        is_positive=plain["is_positive"],
        expected_at=_moment(plain["expected_at"]),
        failed=plain["failed"],
        reasons=tuple(plain["reasons"]),
        lines=tuple(Line(outcome=Outcome(outcome), text=text) for outcome, text in plain["lines"]),
        more=plain["more"],
    )


def plain_reading(reading: Reading) -> dict[str, Any]:
    """As JSON; the study has a column."""
    return {
        "uid": reading.uid,
        "number": reading.number,
        "state": reading.state.value,
        "performer": reading.performer,
        "performer_name": reading.performer_name,
        "changed_at": reading.changed_at.isoformat() if reading.changed_at else None,
    }


def _reading(row: WorklistRow) -> Reading:
    plain = row.reading
    return Reading(
        uid=WorkitemUID(plain["uid"]),
        study_instance_uid=StudyInstanceUID(row.study_instance_uid),
        number=plain["number"],
        state=ProcedureStepState(plain["state"]),
        performer=plain["performer"],
        performer_name=plain["performer_name"],
        changed_at=_moment(plain["changed_at"]),
    )


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
