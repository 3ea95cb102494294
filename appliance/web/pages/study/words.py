"""States and phases as pages say them, and the banner of a patient."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from appliance.domain.feedback import Verdict
from appliance.domain.finding import Outcome
from appliance.domain.study import AttributeValue
from appliance.services.receipts.waterfall import Phase
from appliance.store.deliveries import DeliveryState
from appliance.store.study_state import StudyState
from appliance.web.i18n import translatable

STATE_WORDS = {
    StudyState.ARRIVING: (translatable("Arriving"), "info"),
    StudyState.WORKING: (translatable("Analysis running"), "info"),
    StudyState.DELIVERING: (translatable("Being delivered"), "info"),
    StudyState.DONE: (translatable("Done"), "ok"),
    StudyState.NOT_APPLICABLE: (translatable("No model applies"), ""),
    StudyState.FAILED: (translatable("Something failed"), "critical"),
}
PHASE_WORDS = {
    Phase.ARRIVAL: translatable("Arrival"),
    Phase.WAIT: translatable("Wait for more"),
    Phase.QUEUE: translatable("Queue"),
    Phase.PREPARATION: translatable("Preparation"),
    Phase.INFERENCE: translatable("Inference"),
    Phase.RESULTS: translatable("Results"),
    Phase.DELIVERY: translatable("Delivery"),
}
OUTCOME_WORDS = {
    Outcome.POSITIVE: (translatable("Positive"), "critical"),
    Outcome.LIMITED: (translatable("Limited"), "warning"),
    Outcome.NEGATIVE: (translatable("Negative"), "ok"),
    Outcome.INFORMATIVE: (translatable("Measured"), "info"),
}
DELIVERY_WORDS = {
    DeliveryState.PENDING: (translatable("On its way"), "info"),
    DeliveryState.ACCEPTED: (translatable("Accepted, not visible yet"), "info"),
    DeliveryState.UNCHECKED: (translatable("Accepted, visibility not checked"), "ok"),
    DeliveryState.DELIVERED: (translatable("Delivered and visible"), "ok"),
    DeliveryState.REFUSED: (translatable("Refused"), "critical"),
    DeliveryState.DEAD: (translatable("Given up"), "critical"),
    DeliveryState.SUPERSEDED: (translatable("Replaced"), ""),
}
VERDICT_WORDS = {
    Verdict.AGREE: (translatable("Agree"), "ok"),
    Verdict.WRONG: (translatable("Wrong"), "critical"),
    Verdict.CORRECTED: (translatable("Corrected"), "info"),
    Verdict.MISSED: (translatable("Something was missed"), "warning"),
}
DONE_WORDS = {
    "answered": translatable("Your answer is kept, and on its way to wherever the finding was sent."),
    "again": translatable("The analysis is scheduled again."),
    "withdrawn": translatable("The results are withdrawn."),
    "sent": translatable("The results are on their way."),
}
_SEXES = {"F": translatable("female"), "M": translatable("male"), "O": translatable("other")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """Who and what, from the header of the first image. born and study_date: None where there is no valid date."""

    name: str
    patient_id: str
    born: date | None
    sex: str
    description: str
    accession: str
    study_date: date | None


def banner(header: Mapping[str, AttributeValue]) -> Banner:
    """The banner; a name is given as family name, then given names."""
    name = str(header.get("PatientName", "")).split("=")[0]
    family, _, given = name.partition("^")
    return Banner(
        name=", ".join(part for part in (family, " ".join(given.replace("^", " ").split())) if part),
        patient_id=str(header.get("PatientID", "")),
        born=_date(header.get("PatientBirthDate")),
        sex=_SEXES.get(str(header.get("PatientSex", "")), ""),
        description=str(header.get("StudyDescription", "")),
        accession=str(header.get("AccessionNumber", "")),
        study_date=_date(header.get("StudyDate")),
    )


def _date(value: AttributeValue | None) -> date | None:
    try:
        return datetime.strptime(str(value), "%Y%m%d").date()
    except ValueError:
        return None
