"""One criterion held against the attributes of one series."""

import ipaddress
import re
from collections.abc import Mapping

from appliance.domain.model_package import Criterion
from appliance.domain.study import AttributeValue, Series
from appliance.selection.patterns import search

CONFIDENTIAL = frozenset(
    {
        "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientAge", "PatientSize",
        "PatientWeight", "PregnancyStatus", "AccessionNumber", "StudyID", "ReferringPhysicianName", "ImageComments",
    }
)  # fmt: skip
"""Keywords whose values a reason never repeats: reasons are kept, printed and shown."""

_DAYS_PER_AGE_UNIT = {"D": 1.0, "W": 7.0, "M": 30.4375, "Y": 365.25}
_DAYS_PER_YEAR = 365.25


def failing(criteria: tuple[Criterion, ...], series: Series) -> tuple[str, ...]:
    """One sentence for each criterion that the series does not meet; empty if it meets all."""
    attributes: Mapping[str, AttributeValue] = {"Modality": series.modality, **series.attributes}
    return tuple(reason for criterion in criteria if (reason := refusal(criterion, attributes)))


def refusal(criterion: Criterion, attributes: Mapping[str, AttributeValue]) -> str | None:
    """Why `attributes` do not meet the criterion, or None if they do."""
    value = attributes.get(criterion.keyword)
    absent = value is None or value in ("", ())
    if criterion.exists is False:
        return None if absent else f"{criterion.keyword} is present"
    if value is None or absent:
        return None if criterion.absent_ok else f"{criterion.keyword} is absent"
    values = value if isinstance(value, tuple) else (value,)
    shown = f"{criterion.keyword} {_shown(criterion.keyword, value)}"
    if criterion.one_of and not any(_equal(item, wanted) for item in values for wanted in criterion.one_of):
        return f"{shown}, wanted {' or '.join(criterion.one_of)}"
    if any(_equal(item, unwanted) for item in values for unwanted in criterion.none_of):
        return f"{shown}, which is excluded"
    return _text_refusal(criterion, values, shown) or _out_of_range(criterion, values, shown)


def _equal(item: str | float, wanted: str) -> bool:
    if isinstance(item, str):
        return item.strip().casefold() == wanted.strip().casefold()
    try:
        return item == float(wanted)
    except ValueError:
        return False


def _text_refusal(criterion: Criterion, values: tuple[str | float, ...], shown: str) -> str | None:
    text = "\\".join(str(item) for item in values)
    if criterion.matches is not None and not search(criterion.matches, text):
        return f"{shown}, which does not match {criterion.matches}"
    if criterion.excludes is not None and search(criterion.excludes, text):
        return f"{shown}, which matches {criterion.excludes}"
    if criterion.within and not all(_lies_within(str(item), criterion.within) for item in values):
        return f"{shown}, not within {' or '.join(criterion.within)}"
    return None


def _lies_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in ipaddress.ip_network(network, strict=False) for network in networks)


def _out_of_range(criterion: Criterion, values: tuple[str | float, ...], shown: str) -> str | None:
    if criterion.minimum is None and criterion.maximum is None:
        return None
    try:
        numbers = [_number(item) for item in values]
    except ValueError:
        return f"{shown}, wanted a number"
    if criterion.minimum is not None and min(numbers) < criterion.minimum:
        return f"{shown}, wanted at least {criterion.minimum:g}"
    if criterion.maximum is not None and max(numbers) > criterion.maximum:
        return f"{shown}, wanted at most {criterion.maximum:g}"
    return None


def _number(item: str | float) -> float:
    """A number; an age (AS, PS3.5 6.2: 034Y, 006M, 003W, 010D) in years."""
    age = re.fullmatch(r"([0-9]{3})([DWMY])", item.strip()) if isinstance(item, str) else None
    return int(age[1]) * _DAYS_PER_AGE_UNIT[age[2]] / _DAYS_PER_YEAR if age else float(item)


def _shown(keyword: str, value: AttributeValue) -> str:
    return "has a value that is not shown" if keyword in CONFIDENTIAL else f"is {_plain(value)}"


def _plain(value: AttributeValue) -> str:
    if isinstance(value, tuple):
        return "\\".join(_plain(item) for item in value)
    return f"{value:g}" if isinstance(value, float | int) else value
