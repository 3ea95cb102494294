"""One criterion held against the attributes of one series."""

import re
from collections.abc import Mapping

from appliance.domain.model_package import Criterion
from appliance.domain.study import AttributeValue, Series


def failing(criteria: tuple[Criterion, ...], series: Series) -> tuple[str, ...]:
    """One sentence for each criterion that the series does not meet; empty if it meets all."""
    attributes: Mapping[str, AttributeValue] = {"Modality": series.modality, **series.attributes}
    return tuple(reason for criterion in criteria if (reason := refusal(criterion, attributes)))


def refusal(criterion: Criterion, attributes: Mapping[str, AttributeValue]) -> str | None:
    """Why `attributes` do not meet the criterion, or None if they do."""
    value = attributes.get(criterion.keyword)
    if value is None or value in ("", ()):
        return None if criterion.absent_ok else f"{criterion.keyword} is absent"
    values = value if isinstance(value, tuple) else (value,)
    shown = f"{criterion.keyword} is {_shown(value)}"
    texts = [str(item).strip().upper() for item in values]
    if criterion.one_of and not any(item.upper() in texts for item in criterion.one_of):
        return f"{shown}, wanted {' or '.join(criterion.one_of)}"
    if any(item.upper() in texts for item in criterion.none_of):
        return f"{shown}, which is excluded"
    if criterion.matches is not None and not re.search(criterion.matches, "\\".join(str(item) for item in values)):
        return f"{shown}, which does not match {criterion.matches}"
    return _out_of_range(criterion, values, shown)


def _out_of_range(criterion: Criterion, values: tuple[str | float, ...], shown: str) -> str | None:
    if criterion.minimum is None and criterion.maximum is None:
        return None
    try:
        numbers = [float(item) for item in values]
    except ValueError:
        return f"{shown}, wanted a number"
    if criterion.minimum is not None and min(numbers) < criterion.minimum:
        return f"{shown}, wanted at least {criterion.minimum:g}"
    if criterion.maximum is not None and max(numbers) > criterion.maximum:
        return f"{shown}, wanted at most {criterion.maximum:g}"
    return None


def _shown(value: AttributeValue) -> str:
    if isinstance(value, tuple):
        return "\\".join(_shown(item) for item in value)
    return f"{value:g}" if isinstance(value, float | int) else value
