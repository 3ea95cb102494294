"""The radiologist's worklist: what a line says, how lines are ordered, and which of them somebody asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from appliance.domain.finding import Outcome
from appliance.domain.identifiers import StudyInstanceUID
from appliance.domain.reading import Reading
from appliance.domain.search_words import words_of
from appliance.domain.workitem import URGENCY, Priority, ProcedureStepState


class AiStatus(StrEnum):
    """How far the analyses of a study are, and what they say all together."""

    PENDING = "pending"
    RUNNING = "running"
    SUPERSEDED = "superseded"
    """What was found rests on images that are no longer all: it is being done anew."""
    POSITIVE = "positive"
    NEGATIVE = "negative"
    DONE = "done"
    """Finished, with measurements or text but no verdict on presence or absence."""
    NOT_APPLICABLE = "not-applicable"
    FAILED = "failed"


class Identity(StrEnum):
    """Whether the images agree on whom they show."""

    AS_READ = "as-read"
    CONTRADICTORY = "contradictory"
    REMOVED = "removed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The patient as the images say; nothing here is in the repr. name: Person Name (PS3.5 6.2).

    sex: M, F, O or "". age: Age String at the study, such as "067Y", or "". birth_date: YYYYMMDD or "".
    """

    name: str = field(default="", repr=False)
    id: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)
    sex: str = ""
    age: str = ""
    identity: Identity = Identity.AS_READ


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One of the most important findings, in a sentence per language."""

    outcome: Outcome
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the analyses of a study say. expected_at: when those that run should have ended, by earlier ones; None where
    there are none to go by. failed: how many ended without result; reasons: their codes. more: findings beyond `lines`.
    """

    status: AiStatus
    is_positive: bool = False
    expected_at: datetime | None = None
    failed: int = 0
    reasons: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """What the headers and the ledger say of a study. study_date: YYYYMMDD or ""."""

    study_instance_uid: StudyInstanceUID
    arrived_at: datetime
    patient: Patient
    accession_number: str = field(default="", repr=False)
    description: str = ""
    modalities: tuple[str, ...] = ()
    study_date: str = ""
    study_time: str = ""
    series: int = 0
    instances: int = 0
    priority: Priority = Priority.MEDIUM

    @property
    def patient_words(self) -> frozenset[str]:
        """What a search may find only for who may see patients."""
        return words_of(self.patient.name, self.patient.id, self.accession_number)

    @property
    def study_words(self) -> frozenset[str]:
        """What everybody may find."""
        return words_of(self.description, *self.modalities)


Place = tuple[int, int, datetime, str]
"""Where a line stands: urgency, whether AI found something, how long it waits, and the UID where all else is equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the worklist. revision: grows with every change of any line."""

    study: StudyFacts
    progress: Progress
    reading: Reading
    revision: int = 0

    @property
    def uid(self) -> StudyInstanceUID:
        """The study."""
        return self.study.study_instance_uid

    @property
    def place(self) -> Place:
        """Lines are in ascending order of this."""
        return place_of(self.study, self.progress)


def place_of(study: StudyFacts, progress: Progress) -> Place:
    """Where a line with these contents stands."""
    rank = 0 if progress.is_positive else 1
    return URGENCY[study.priority], rank, study.arrived_at.astimezone(UTC), study.study_instance_uid


class Shown(StrEnum):
    """Which readings a list shows."""

    OPEN = "open"
    DONE = "done"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to see; all of it has to hold. performer: only what this account claimed.

    terms: every one has to begin a word (`search_words.terms_of`). sees_patients: whether names, identifiers and
    numbers may be searched.
    """

    shown: Shown = Shown.OPEN
    performer: str = ""
    modality: str = ""
    status: AiStatus | None = None
    priority: Priority | None = None
    arrived_since: datetime | None = None
    terms: tuple[str, ...] = field(default=(), repr=False)
    sees_patients: bool = False

    def fits(self, entry: Entry) -> bool:
        """Whether the line is wanted: the same that the database answers."""
        return (
            (self.shown is Shown.ALL or entry.reading.is_open == (self.shown is Shown.OPEN))
            and (not self.performer or _is_claimed_by(entry.reading, self.performer))
            and (not self.modality or self.modality in entry.study.modalities)
            and (self.status is None or entry.progress.status is self.status)
            and (self.priority is None or entry.study.priority is self.priority)
            and (self.arrived_since is None or entry.study.arrived_at >= self.arrived_since)
            and self._finds(entry.study)
        )

    def _finds(self, study: StudyFacts) -> bool:
        if not self.terms:
            return True
        words = study.study_words | (study.patient_words if self.sees_patients else frozenset())
        return all(any(word.startswith(term) for word in words) for term in self.terms)


def _is_claimed_by(reading: Reading, performer: str) -> bool:
    return reading.performer == performer and reading.state is not ProcedureStepState.SCHEDULED
