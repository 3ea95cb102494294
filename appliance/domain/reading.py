"""The reading of a study by a person, as a Unified Procedure Step (PS3.4 Annex CC).

Claiming takes it to IN PROGRESS. UPS knows no way back: who lets go cancels the step, and the study gets a new one.
"""

from dataclasses import dataclass
from datetime import datetime

from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID, derived_uid
from appliance.domain.workitem import FINAL_STATES, ProcedureStepState


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading. `performer` is the account that claimed it, `performer_name` how it is shown.

    number: counts the readings of a study, from 1. changed_at: when it was claimed, or when it ended.
    """

    uid: WorkitemUID
    study_instance_uid: StudyInstanceUID
    number: int = 1
    state: ProcedureStepState = ProcedureStepState.SCHEDULED
    performer: str = ""
    performer_name: str = ""
    changed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody has yet to read."""
        return self.state not in FINAL_STATES


def reading_uid(study: StudyInstanceUID, number: int) -> WorkitemUID:
    """The UID of the reading: the same study and number give the same one."""
    return WorkitemUID(derived_uid("reading", study, str(number)))


def first_reading(study: StudyInstanceUID) -> Reading:
    """The reading that every study has before anybody touched it."""
    return Reading(uid=reading_uid(study, 1), study_instance_uid=study)
