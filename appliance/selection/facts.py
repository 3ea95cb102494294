"""What a rule may ask about a series: its attributes, those of its study, and what arrived of both.

Beside DICOM keywords of the header there are names that follow from what arrived, under the keywords that DICOM has for
them where it has any: counts are of what is here, whatever the header says.
"""

from collections.abc import Mapping

from appliance.domain.study import AttributeValue, Series, Study

ARRIVAL_KEYWORDS = frozenset({"CallingAETitle", "CalledAETitle", "SenderAddress"})
"""How the instances came in: AE titles of the association and the address of its sender; not in any header."""
COUNTED_KEYWORDS = frozenset(
    {
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "NumberOfSeriesRelatedInstances",
    }
)
"""(0008,0061), (0020,1206), (0020,1208), (0020,1209): counted, not read."""

Facts = Mapping[str, AttributeValue]


def facts_of(study: Study) -> tuple[Facts, ...]:
    """The facts of every series, in the order of the series."""
    shared: dict[str, AttributeValue] = {
        **study.attributes,
        "ModalitiesInStudy": tuple(sorted({series.modality for series in study.series})),
        "NumberOfStudyRelatedSeries": len(study.series),
        "NumberOfStudyRelatedInstances": sum(len(series.instances) for series in study.series),
    }
    return tuple({**series.attributes, **shared, **_own(series)} for series in study.series)


def _own(series: Series) -> dict[str, AttributeValue]:
    arrival = {keyword: _each(series, keyword) for keyword in ARRIVAL_KEYWORDS}
    return {
        "Modality": series.modality,
        "NumberOfSeriesRelatedInstances": len(series.instances),
        **{keyword: values for keyword, values in arrival.items() if values},
    }


def _each(series: Series, keyword: str) -> tuple[str, ...]:
    """Every value among the instances, since a series may come in several associations."""
    return tuple(sorted({str(item.attributes[keyword]) for item in series.instances if keyword in item.attributes}))
