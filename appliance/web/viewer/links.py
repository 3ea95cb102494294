"""Links into the viewer as a PACS or a report system writes them: IHE Invoke Image Display (RAD-106).

What a link asks for is looked up in Orthanc; names and numbers of patients stand in no log, and in the audit trail only
which attributes were searched by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from appliance.domain.errors import LinkMalformed, OrthancUnavailable
from appliance.web.dicomweb.proxy import ROOT

_STUDY, _ACCESSION, _PATIENT = "StudyInstanceUID", "AccessionNumber", "PatientID"
_LONGEST = 64
_MOST = 50
_TAGS = {
    "uid": "0020000D",
    "accession": "00080050",
    "date": "00080020",
    "time": "00080030",
    "modalities": "00080061",
    "description": "00081030",
    "patient_id": "00100020",
    "patient_name": "00100010",
    "patient_birth_date": "00100030",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a link asks for: studies whose attribute `key` has one of `values`; `latest`: only so many, the newest."""

    key: str
    values: tuple[str, ...]
    latest: int = _MOST


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStudy:
    """A study as Orthanc's index has it; texts as in the header, "" where there is none."""

    uid: str
    accession: str = ""
    date: str = ""
    time: str = ""
    modalities: tuple[str, ...] = ()
    description: str = ""
    patient_id: str = ""
    patient_name: str = ""
    patient_birth_date: str = ""


def wanted_by(query: Mapping[str, str]) -> Wanted:
    """What the parameters of an IHE link ask for. Raises LinkMalformed, which names a parameter and never its value."""
    given = {name.lower(): value.strip() for name, value in query.items()}
    kind = given.get("requesttype", "").upper()
    if kind == "STUDY":
        if given.get("studyuid"):
            return Wanted(key=_STUDY, values=_values(given["studyuid"], "studyUID"))
        if given.get("accessionnumber"):
            return Wanted(key=_ACCESSION, values=_values(given["accessionnumber"], "accessionNumber"))
        raise LinkMalformed("a link to a study needs studyUID or accessionNumber")
    if kind == "PATIENT":
        identifier = given.get("patientid", "").partition("^")[0]
        latest = given.get("mostrecentresults") or str(_MOST)
        if not latest.isdecimal() or not 1 <= int(latest) <= _MOST:
            raise LinkMalformed(f"mostRecentResults is a number from 1 to {_MOST}")
        return Wanted(key=_PATIENT, values=(_value(identifier, "patientID"),), latest=int(latest))
    raise LinkMalformed("requestType is STUDY or PATIENT")


def _values(text: str, parameter: str) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(_value(item.strip(), parameter) for item in text.split(",")))
    if len(values) > _MOST:
        raise LinkMalformed(f"{parameter} has more than {_MOST} values")
    return values


def _value(text: str, parameter: str) -> str:
    """A value that finds itself and nothing else: no wildcard, no list, no range (PS3.4 C.2.2.2)."""
    if not text or len(text) > _LONGEST or not text.isprintable() or set(text) & set("*?\\"):
        raise LinkMalformed(f"{parameter} is empty, too long, or has signs that it must not have")
    return text


class StudyFinder:
    """Looks studies up in Orthanc (QIDO-RS)."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def find(self, wanted: Wanted) -> tuple[FoundStudy, ...]:
        """The studies that a link asks for, newest first. Raises OrthancUnavailable."""
        found = {study.uid: study for value in wanted.values for study in await self._search(wanted.key, value)}
        return tuple(sorted(found.values(), key=_moment, reverse=True)[: wanted.latest])

    async def prior_of(self, study: FoundStudy) -> FoundStudy | None:
        """The newest earlier study of the same patient with a modality in common. Raises OrthancUnavailable."""
        if not study.patient_id or not study.date:
            return None
        others = await self._search(_PATIENT, study.patient_id)
        earlier = [other for other in others if _is_prior(other, study)]
        return max(earlier, key=_moment, default=None)

    async def _search(self, key: str, value: str) -> list[FoundStudy]:
        """What Orthanc finds may differ in case or accents: only what is equal counts."""
        parameters = httpx.QueryParams({key: value, "limit": 4 * _MOST, "includefield": list(_TAGS.values())})
        try:
            answer = await self._client.get(
                f"{ROOT}/studies", params=parameters, headers={"Accept": "application/dicom+json"}
            )
        except httpx.TransportError as error:
            raise OrthancUnavailable(type(error).__name__) from error
        if answer.status_code == httpx.codes.NO_CONTENT:
            return []
        if answer.status_code != httpx.codes.OK:
            raise OrthancUnavailable(f"it answered {answer.status_code}")
        studies = [_study(item) for item in answer.json()]
        return [study for study in studies if value == _ATTRIBUTES[key](study)]


_ATTRIBUTES = {
    _STUDY: lambda study: study.uid,
    _ACCESSION: lambda study: study.accession,
    _PATIENT: lambda study: study.patient_id,
}


def _study(item: Mapping[str, Any]) -> FoundStudy:
    texts = {name: _texts(item.get(tag, {})) for name, tag in _TAGS.items()}
    first = {name: values[0] if values else "" for name, values in texts.items() if name != "modalities"}
    return FoundStudy(modalities=tuple(texts["modalities"]), **first)


def _texts(element: Mapping[str, Any]) -> list[str]:
    """The values of an element of the DICOM JSON model (PS3.18 F.2)."""
    values = (value.get("Alphabetic", "") if isinstance(value, dict) else value for value in element.get("Value", ()))
    return [str(value) for value in values if value]


def _moment(study: FoundStudy) -> tuple[str, str, str]:
    return study.date, study.time, study.uid


def _is_prior(other: FoundStudy, study: FoundStudy) -> bool:
    """Identifiers of patients can be given twice: who was born on another day is somebody else."""
    is_same_patient = other.patient_birth_date == study.patient_birth_date
    shared = (set(other.modalities) & set(study.modalities)) - _DERIVED
    return is_same_patient and bool(shared) and bool(other.date) and _moment(other) < _moment(study)


_DERIVED = frozenset({"SEG", "SR", "DOC", "PR", "KO", "OT"})
"""Modalities of what was made from images."""
