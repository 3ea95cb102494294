"""What the headers of a study say of patient, order and images."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from appliance.domain.search_words import plain
from appliance.domain.workitem import URGENCY, Priority
from appliance.domain.worklist import Identity, Patient, StudyFacts
from appliance.store.worklist_sources import StudySources

Header = Mapping[str, Any]
_AGE = re.compile(r"\d{3}[DWMY]")
_DESCRIPTIONS = (
    "StudyDescription",
    "RequestedProcedureDescription",
    "PerformedProcedureStepDescription",
    "ProtocolName",
)
_SEXES = ("M", "F", "O")


def facts_of(sources: StudySources) -> StudyFacts:
    """The facts. A patient whom the series do not agree on is shown as the first one says, with a warning."""
    headers = sources.headers
    return StudyFacts(
        study_instance_uid=sources.study_instance_uid,
        arrived_at=sources.first_arrival_at,
        patient=_patient(headers),
        accession_number=_first(headers, "AccessionNumber"),
        description=next(filter(None, (_first(headers, keyword) for keyword in _DESCRIPTIONS)), ""),
        modalities=tuple(sorted({_text(header, "Modality") for header in headers} - {""})),
        study_date=_date(_first(headers, "StudyDate")),
        study_time=_first(headers, "StudyTime")[:16],
        series=len(headers),
        instances=sources.instances,
        priority=_priority(sources),
    )


def _patient(headers: Sequence[Header]) -> Patient:
    sex = _first(headers, "PatientSex").upper()
    return Patient(
        name=_first(headers, "PatientName"),
        id=_first(headers, "PatientID"),
        birth_date=_date(_first(headers, "PatientBirthDate")),
        sex=sex if sex in _SEXES else "",
        age=_age(headers),
        identity=_identity(headers),
    )


def _identity(headers: Sequence[Header]) -> Identity:
    names = {plain(_text(header, "PatientName")).rstrip("^ ") for header in headers}
    ids = {_text(header, "PatientID") for header in headers}
    births = {_text(header, "PatientBirthDate") for header in headers} - {""}
    if len(names) > 1 or len(ids) > 1 or len(births) > 1:
        return Identity.CONTRADICTORY
    if any(_text(header, "PatientIdentityRemoved") == "YES" for header in headers):
        return Identity.REMOVED
    return Identity.AS_READ if any(names) or any(ids) else Identity.MISSING


def _age(headers: Sequence[Header]) -> str:
    """Patient's Age, or the same from the date of birth and that of the study."""
    stated = _first(headers, "PatientAge")
    if _AGE.fullmatch(stated):
        return stated
    born, then = _day(_first(headers, "PatientBirthDate")), _day(_first(headers, "StudyDate"))
    if born is None or then is None or then < born:
        return ""
    years = then.year - born.year - ((then.month, then.day) < (born.month, born.day))
    months = (then.year - born.year) * 12 + then.month - born.month - (then.day < born.day)
    number, unit = (years, "Y") if years >= 2 else (months, "M") if months >= 3 else ((then - born).days, "D")
    return f"{number:03}{unit}" if number < 1000 else ""


def _priority(sources: StudySources) -> Priority:
    """The most urgent one that a rule gave to any work that counts."""
    given = {status.workitem.priority for status in sources.workitems}
    return min(given, key=URGENCY.__getitem__) if given else Priority.MEDIUM


def _first(headers: Iterable[Header], keyword: str) -> str:
    return next(filter(None, _texts(headers, keyword)), "")


def _texts(headers: Iterable[Header], keyword: str) -> Iterator[str]:
    return (_text(header, keyword) for header in headers)


def _text(header: Header, keyword: str) -> str:
    value = header.get(keyword, "")
    return " ".join(map(str, value)) if isinstance(value, list) else str(value).strip()


def _date(value: str) -> str:
    return value if _day(value) is not None else ""


def _day(value: str) -> date | None:
    try:
        return datetime.strptime(value, "%Y%m%d").date() if len(value) == 8 else None
    except ValueError:
        return None
