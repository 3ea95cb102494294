"""What a reader answers to a finding of a model."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from appliance.domain.identifiers import StudyInstanceUID, WorkitemUID


class Verdict(StrEnum):
    """AGREE: the finding is right; WRONG: it is not; MISSED: the model saw nothing where something is; CORRECTED: it is
    there, and its outline or place was drawn anew.
    """

    AGREE = "agree"
    WRONG = "wrong"
    MISSED = "missed"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One answer. tracking_uid: of the finding, "" for one that was missed; finding: its name.

    reader: the account; reader_name: as it is shown. note: free text, which may name a patient and is never logged.
    manufacturer, scanner: of the images. object_uid: the SOP Instance UID in which the answer is said or the
    correction came, "" for none; object_path: its file below the results folder, where it is not one of our results.
    """

    study_instance_uid: StudyInstanceUID
    workitem_uid: WorkitemUID
    tracking_uid: str
    finding: str
    verdict: Verdict
    reader: str
    reader_name: str
    note: str = field(default="", repr=False)
    package: str
    version: str
    manufacturer: str = ""
    scanner: str = ""
    at: datetime
    object_uid: str = ""
    object_path: str = ""

    @property
    def month(self) -> str:
        """Year and month in UTC, as figures are counted by."""
        return f"{self.at:%Y-%m}"
