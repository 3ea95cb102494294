"""English."""

import re
from types import MappingProxyType

from appliance.domain import coding
from appliance.findings import codes
from appliance.findings.phrases import Phrases
from appliance.findings.refusal_titles import ENGLISH

PHRASES = Phrases(
    language="en",
    decimal_sign=".",
    grouping_sign=",",
    title="AI draft report, unverified",
    names=MappingProxyType(
        {
            codes.SELECTION_CRITERIA: "Selection criteria of the model",
            codes.LIVER: "Liver",
            codes.BRAIN: "Brain",
            codes.LUNG: "Lung",
            codes.RIGHT_LUNG: "Right lung",
            codes.LEFT_LUNG: "Left lung",
            codes.KIDNEY: "Kidney",
            codes.RIGHT_KIDNEY: "Right kidney",
            codes.LEFT_KIDNEY: "Left kidney",
            codes.IMAGE_QUALITY: "Image quality",
            codes.MODALITY_CONTRADICTED: "Modality",
            codes.BURNT_IN_TEXT: "Burnt-in text",
            codes.BURNT_IN_NAME: "Burnt-in text that reads like a person's name",
            codes.BURNT_IN_DATE: "Burnt-in text that reads like a date",
            codes.ATTENUATION_COEFFICIENT: "attenuation",
            codes.MR_SIGNAL_INTENSITY: "signal intensity",
            codes.IMAGE_INTENSITY: "intensity",
        }
    ),
    packages=MappingProxyType(
        {
            "burnt-in-text": "Burnt-in text check",
            "ct-liver": "CT liver segmentation",
            "ct-or-mr": "Modality check",
            "cxr-lungs": "Chest X-ray lung segmentation",
            "mr-brain": "MR brain segmentation",
            "mr-motion": "MR motion check",
        }
    ),
    values=MappingProxyType(
        {
            codes.CRITERIA_NOT_MET: "failed by this series; run for demonstration only",
            coding.UNDETERMINED: "undetermined",
            coding.NORMAL: "normal",
            coding.ABNORMAL: "abnormal",
            codes.DIAGNOSTIC_QUALITY: "diagnostic",
            codes.LIMITED_QUALITY: "limited",
            coding.LEFT: "left",
            coding.RIGHT: "right",
        }
    ),
    units=MappingProxyType(
        {"ml": "mL", "[hnsf'U]": "HU", "mm": "mm", "cm2": "cm²", "cm3": "cm³", "{ratio}": "", "1": "", "%": "%"}
    ),
    directions=MappingProxyType(
        {
            "L": "left",
            "R": "right",
            "A": "front",
            "P": "back",
            "H": "head end",
            "F": "foot end",
        }
    ),
    refusals=ENGLISH,
    statement="{name}: {text}.",
    fact_separator="; ",
    volume="volume {value}",
    area="projected area {value}",
    intensity="mean {name} {mean} (standard deviation {deviation})",
    extent="greatest extent {long} x {perpendicular}",
    axial_extent="greatest axial extent {long} x {perpendicular}",
    at_detector="lengths in the detector plane, uncorrected for magnification",
    part_volume="volume of the imaged part {value}",
    part_area="projected area of the imaged part {value}",
    segmented="segmented",
    ratio_of_volumes="Left-to-right volume ratio",
    ratio_of_areas="Left-to-right ratio of the projected areas",
    generic_number="{value}",
    found="found",
    not_found="not found",
    not_found_list="Not found: {names}.",
    with_probability=" (probability {probability}, decided at {threshold})",
    undetermined="undetermined",
    cut="cut by the field of view{where}; the numbers hold for the imaged part only",
    box="the outline runs along the edge of the searched region and may be incomplete",
    small="smaller in the image than expected; the outline may be incomplete",
    no_limitation="no limitation of the outline detected",
    side_undetermined="side of the body undetermined, because the header lacks a usable patient orientation",
    quality_diagnostic="diagnostic{score}",
    quality_limited="limited{score}; read the other results of this series with caution",
    quality_undetermined="undetermined{score}; read the other results of this series with caution",
    modality_agrees="no contradiction between the intensities and the header",
    modality_contradicted="the intensities contradict the header; the analyses of this series were stopped",
    modality_undetermined="undetermined; the check knows CT and MR alone",
    text_found="found; number of regions {count}",
    generated_text="wrote a text of its own, which is a separate document",
    no_statement="ran and gave nothing to state",
    refused="refused: {reason} ({code})",
    not_applicable="outside its intended input: {reason}",
    left_out="Analyses left out: {names}.",
    nothing_ran="No model analysed this study.",
    nothing_positive="No positive finding of the models that ran; this does not exclude disease.",
    stopped="stopped the series ({code})",
    series_prefix="Series {letter}, ",
    image_prefix="Image {letter}, ",
    flagged="[CONTRADICTS A FINDING: {codes}] ",
    negation=re.compile(
        r"\b(?:no|not|non|none|without|never|absent|absence|neither|nor|free of|negative|cannot)\b|n't\b",
        re.IGNORECASE,
    ),
    denial_before=re.compile(
        r"no|not|non|none|without|never|absent|absence|lacks?|lacking|neither|nor|negative|free", re.IGNORECASE
    ),
    denial_after=re.compile(
        r"(?:not|never|n't)\s+(?:\w+\s+){0,2}?"
        r"(?:seen|found|present|identified|detected|visible|visuali[sz]ed|evident|shown|demonstrated|depicted)"
        r"|absent|(?<!not )(?<!not be )(?:excluded|ruled out)|^(?:none|no|nil|negative)$",
        re.IGNORECASE,
    ),
    denial_ends=frozenset(
        {"in", "within", "inside", "at", "on", "near", "around", "but", "however", "except", "although"}
        | {"exclude", "excludes", "excluding"}
    ),
    sides=MappingProxyType(
        {
            coding.LEFT: re.compile(r"\b(?:left(?:ward|wards|-sided)?|bilateral(?:ly)?|both)\b", re.IGNORECASE),
            coding.RIGHT: re.compile(r"\b(?:right(?:ward|wards|-sided)?|bilateral(?:ly)?|both)\b", re.IGNORECASE),
        }
    ),
)
