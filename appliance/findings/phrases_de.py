"""German."""

import re
from types import MappingProxyType

from appliance.domain import coding
from appliance.findings import codes
from appliance.findings.phrases import Phrases
from appliance.findings.refusal_titles import GERMAN

PHRASES = Phrases(
    language="de",
    decimal_sign=",",
    grouping_sign=".",
    title="KI-Befundentwurf, nicht verifiziert",
    names=MappingProxyType(
        {
            codes.LIVER: "Leber",
            codes.BRAIN: "Gehirn",
            codes.LUNG: "Lunge",
            codes.RIGHT_LUNG: "Rechte Lunge",
            codes.LEFT_LUNG: "Linke Lunge",
            codes.KIDNEY: "Niere",
            codes.RIGHT_KIDNEY: "Rechte Niere",
            codes.LEFT_KIDNEY: "Linke Niere",
            codes.IMAGE_QUALITY: "Bildqualität",
            codes.MODALITY_CONTRADICTED: "Modalität",
            codes.SELECTION_CRITERIA: "Auswahlkriterien des Modells",
            codes.BURNT_IN_TEXT: "Eingebrannter Text",
            codes.BURNT_IN_NAME: "Eingebrannter Text, der wie ein Personenname aussieht",
            codes.BURNT_IN_DATE: "Eingebrannter Text, der wie ein Datum aussieht",
            codes.ATTENUATION_COEFFICIENT: "Dichte",
            codes.MR_SIGNAL_INTENSITY: "Signalintensität",
            codes.IMAGE_INTENSITY: "Intensität",
        }
    ),
    packages=MappingProxyType(
        {
            "burnt-in-text": "Prüfung auf eingebrannten Text",
            "ct-liver": "CT-Lebersegmentierung",
            "ct-or-mr": "Modalitätsprüfung",
            "cxr-lungs": "Lungensegmentierung im Thoraxröntgen",
            "mr-brain": "MR-Hirnsegmentierung",
            "mr-motion": "MR-Bewegungsprüfung",
        }
    ),
    values=MappingProxyType(
        {
            codes.CRITERIA_NOT_MET: "von dieser Serie verfehlt; nur zur Demonstration gelaufen",
            coding.UNDETERMINED: "unbestimmt",
            coding.NORMAL: "normal",
            coding.ABNORMAL: "auffällig",
            codes.DIAGNOSTIC_QUALITY: "diagnostisch",
            codes.LIMITED_QUALITY: "eingeschränkt",
            coding.LEFT: "links",
            coding.RIGHT: "rechts",
        }
    ),
    units=MappingProxyType(
        {"ml": "ml", "[hnsf'U]": "HE", "mm": "mm", "cm2": "cm²", "cm3": "cm³", "{ratio}": "", "1": "", "%": "%"}
    ),
    directions=MappingProxyType(
        {
            "L": "links",
            "R": "rechts",
            "A": "vorn",
            "P": "hinten",
            "H": "kopfwärts",
            "F": "fußwärts",
        }
    ),
    refusals=GERMAN,
    statement="{name}: {text}.",
    fact_separator="; ",
    volume="Volumen {value}",
    area="projizierte Fläche {value}",
    intensity="mittlere {name} {mean} (Standardabweichung {deviation})",
    extent="größte Ausdehnung {long} x {perpendicular}",
    axial_extent="größte axiale Ausdehnung {long} x {perpendicular}",
    at_detector="Längen in der Detektorebene, unkorrigiert für die Vergrößerung",
    part_volume="Volumen des abgebildeten Teils {value}",
    part_area="projizierte Fläche des abgebildeten Teils {value}",
    segmented="segmentiert",
    ratio_of_volumes="Volumenverhältnis links zu rechts",
    ratio_of_areas="Verhältnis der projizierten Flächen links zu rechts",
    generic_number="{value}",
    found="gefunden",
    not_found="nicht gefunden",
    not_found_list="Nicht gefunden: {names}.",
    with_probability=" (Wahrscheinlichkeit {probability}, entschieden bei {threshold})",
    undetermined="unbestimmt",
    cut="vom Bildfeld angeschnitten{where}; die Werte gelten nur für den abgebildeten Teil",
    box="der Umriss läuft am Rand des abgesuchten Bereichs und ist möglicherweise unvollständig",
    small="im Bild kleiner als erwartet; der Umriss ist möglicherweise unvollständig",
    no_limitation="keine Einschränkung des Umrisses erkannt",
    side_undetermined="Körperseite unbestimmt, da im Header eine brauchbare Patientenorientierung fehlt",
    quality_diagnostic="diagnostisch{score}",
    quality_limited="eingeschränkt{score}; die übrigen Ergebnisse dieser Serie sind mit Vorsicht zu lesen",
    quality_undetermined="unbestimmt{score}; die übrigen Ergebnisse dieser Serie sind mit Vorsicht zu lesen",
    modality_agrees="kein Widerspruch zwischen den Intensitäten und dem Header",
    modality_contradicted="die Intensitäten widersprechen dem Header; die Analysen dieser Serie wurden angehalten",
    modality_undetermined="unbestimmt; die Prüfung kennt allein CT und MR",
    text_found="gefunden; Anzahl der Bereiche {count}",
    generated_text="hat einen eigenen Text geschrieben, der ein gesondertes Dokument ist",
    no_statement="ist gelaufen und hat nichts mitzuteilen",
    refused="abgelehnt: {reason} ({code})",
    not_applicable="außerhalb der vorgesehenen Eingabe: {reason}",
    left_out="Ausgelassene Analysen: {names}.",
    nothing_ran="Kein Modell hat diese Studie analysiert.",
    nothing_positive="Kein positiver Befund der gelaufenen Modelle; eine Erkrankung ist damit nicht ausgeschlossen.",
    stopped="hat die Serie angehalten ({code})",
    series_prefix="Serie {letter}, ",
    image_prefix="Bild {letter}, ",
    flagged="[WIDERSPRICHT EINEM BEFUND: {codes}] ",
    negation=re.compile(
        r"\b(?:kein\w*|nicht|nie|ohne|weder|negativ\w*|ausgeschlossen\w*|fehlend\w*|unauffällig\w*)\b",
        re.IGNORECASE,
    ),
    denial_before=re.compile(r"kein\w*|nicht|nie|ohne|weder|noch|frei|fehlend\w*", re.IGNORECASE),
    denial_after=re.compile(
        r"nicht\s+(?:\w+\s+){0,2}?"
        r"(?:gefunden|nachweisbar|nachgewiesen|erkennbar|sichtbar|vorhanden|abgrenzbar|abgebildet|darstellbar|dargestellt)"
        r"|(?<!nicht )(?<!nicht sicher )ausgeschlossen|fehlt|negativ|^(?:keine?r?|nein)$",
        re.IGNORECASE,
    ),
    denial_ends=frozenset(
        {"in", "im", "an", "am", "auf", "innerhalb", "bei", "nahe", "neben", "aber", "jedoch", "sondern", "außer"}
    ),
    sides=MappingProxyType(
        {
            coding.LEFT: re.compile(
                r"\b(?:link(?:s\w*|e[nrsm]?)|bilateral\w*|beid(?:e[rnsm]?|seits|seitig\w*))\b", re.IGNORECASE
            ),
            coding.RIGHT: re.compile(
                r"\b(?:recht(?:s\w*|e[nrsm]?)|bilateral\w*|beid(?:e[rnsm]?|seits|seitig\w*))\b", re.IGNORECASE
            ),
        }
    ),
)
