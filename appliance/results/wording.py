"""Fixed texts of reports, by language: headings, the draft mark, and what the table of models says."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.domain.model_package import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One language."""

    draft: str
    draft_advice: str
    unverified: str
    findings: str
    impression: str
    procedure: str
    analysed_with: str
    no_evidence: str
    nothing_reported: str
    patient: str
    patient_id: str
    born: str
    sex: str
    study: str
    study_date: str
    accession: str
    created: str
    model: str
    version: str
    maker: str
    status: str
    statuses: Mapping[Status, str]
    page: str
    series: str
    image: str
    frame: str
    window_stored: str
    window_default: str
    window_percentiles: str
    at_detector: str
    not_shown: str
    more: str


ENGLISH = Wording(
    draft="AI-GENERATED DRAFT. NOT VERIFIED BY A PHYSICIAN.",
    draft_advice="Written by software from measurements on the images. Compare every statement with the images.",
    unverified="AI-GENERATED. NOT VERIFIED BY A PHYSICIAN.",
    findings="Findings",
    impression="Impression",
    procedure="Technique",
    analysed_with="Analysed with",
    no_evidence="[no measurement behind this sentence]",
    nothing_reported="Nothing to report.",
    patient="Patient",
    patient_id="Patient ID",
    born="Born",
    sex="Sex",
    study="Study",
    study_date="Study date",
    accession="Accession number",
    created="Draft of",
    model="Model",
    version="Version",
    maker="Manufacturer",
    status="Status",
    statuses=MappingProxyType(
        {
            Status.INVESTIGATIONAL: "investigational",
            Status.CLEARED: "cleared",
            Status.DEMONSTRATION: "demonstration",
        }
    ),
    page="Page",
    series="series",
    image="image",
    frame="frame",
    window_stored="C {centre} W {width} as stored",
    window_default="C {centre} W {width} by default",
    window_percentiles="C {centre} W {width} by 1st to 99th percentile",
    at_detector="at the detector",
    not_shown="not shown here: {count}",
    more="More in the report.",
)

GERMAN = Wording(
    draft="KI-ENTWURF. NICHT ÄRZTLICH GEPRÜFT.",
    draft_advice="Von Software aus Messungen an den Bildern geschrieben. Jede Aussage ist an den Bildern zu prüfen.",
    unverified="KI-ERZEUGT. NICHT ÄRZTLICH GEPRÜFT.",
    findings="Befund",
    impression="Beurteilung",
    procedure="Technik",
    analysed_with="Ausgewertet mit",
    no_evidence="[ohne Messung als Beleg]",
    nothing_reported="Keine Aussage.",
    patient="Patient",
    patient_id="Patienten-ID",
    born="Geboren",
    sex="Geschlecht",
    study="Untersuchung",
    study_date="Untersuchungsdatum",
    accession="Auftragsnummer",
    created="Entwurf vom",
    model="Modell",
    version="Version",
    maker="Hersteller",
    status="Status",
    statuses=MappingProxyType(
        {
            Status.INVESTIGATIONAL: "in Erprobung",
            Status.CLEARED: "zugelassen",
            Status.DEMONSTRATION: "Demonstration",
        }
    ),
    page="Seite",
    series="Serie",
    image="Bild",
    frame="Frame",
    window_stored="C {centre} W {width} wie gespeichert",
    window_default="C {centre} W {width} als Vorgabe",
    window_percentiles="C {centre} W {width} nach 1. bis 99. Perzentil",
    at_detector="am Detektor",
    not_shown="hier nicht gezeigt: {count}",
    more="Weiteres im Bericht.",
)


def wording(language: str) -> Wording:
    """The texts of an RFC 5646 language tag; English where there are none."""
    return GERMAN if language.lower().split("-")[0] == "de" else ENGLISH


def marked(text: str, *, has_evidence: bool, words: Wording) -> str:
    """The sentence, with a mark if nothing was measured that it could rest on."""
    return text if has_evidence else f"{text} {words.no_evidence}"
