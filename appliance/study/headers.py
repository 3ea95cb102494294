"""Headers as the domain sees them: dataset -> Instance, instances -> Series -> Study; no pixel data is touched."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag
from pydicom.uid import UID

from appliance.domain.errors import UnreadableObject
from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID
from appliance.domain.study import AttributeValue, Instance, Series, Study
from appliance.study.attributes import attribute, tagged, text
from appliance.study.expected import counted_attributes
from appliance.study.functional_groups import lifted_attributes
from appliance.study.keywords import PATIENT_AND_STUDY_KEYWORDS, READ_KEYWORDS
from appliance.study.objects import tolerant
from appliance.study.placement import placement_attributes, series_placement
from appliance.study.records import from_json, to_json

__all__ = ["READ_KEYWORDS", "from_json", "instance_of", "series_of", "study_of", "to_json"]

IDENTITY = ("SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID")

Attributes = dict[str, AttributeValue]


def instance_of(dataset: Dataset) -> Instance:
    """The identity and attributes of one object, read with or without pixel data.

    `attributes` holds the READ_KEYWORDS that the header has, Study and Series Instance UID among them; those of
    an enhanced multi-frame object that are the same in all frames are lifted to the top level.
    Raises UnreadableObject when the object does not say what it is.
    """
    try:
        with tolerant():
            return _instance_of(dataset)
    except UnreadableObject:
        raise
    except Exception as error:
        raise UnreadableObject(f"its header cannot be read ({type(error).__name__})") from error


def _instance_of(dataset: Dataset) -> Instance:
    uids = {keyword: text(dataset, keyword) for keyword in IDENTITY}
    for keyword, uid in uids.items():
        if not UID(uid).is_valid:
            raise UnreadableObject(f"{keyword} is {'not valid' if uid else 'missing'}")
    attributes = _read(dataset)
    attributes.update(lifted_attributes(dataset, attributes))
    attributes.update(placement_attributes(dataset))
    attributes.update(counted_attributes(dataset))
    return Instance(
        sop_instance_uid=SOPInstanceUID(uids["SOPInstanceUID"]),
        sop_class_uid=uids["SOPClassUID"],
        transfer_syntax_uid=_transfer_syntax(dataset),
        number_of_frames=_number_of_frames(dataset),
        attributes=MappingProxyType(attributes),
    )


def _read(dataset: Dataset) -> Attributes:
    keywords = [keyword_for_tag(tag) for tag in dataset.keys()]  # noqa: SIM118 - iterating a Dataset converts elements
    found = ((keyword, attribute(dataset, keyword)) for keyword in keywords if keyword in READ_KEYWORDS)
    return {keyword: value for keyword, value in found if value is not None}


def _transfer_syntax(dataset: Dataset) -> str:
    meta = getattr(dataset, "file_meta", None)
    return text(meta, "TransferSyntaxUID") if meta is not None else ""


def _number_of_frames(dataset: Dataset) -> int:
    if "NumberOfFrames" not in dataset:
        return 1
    count = attribute(dataset, "NumberOfFrames")
    if count is None and not dataset.get_item("NumberOfFrames").value:
        return 1  # present but empty, as some single-frame writers leave it
    if not isinstance(count, int) or count < 1:
        raise UnreadableObject(f"{tagged('NumberOfFrames')} is not a positive number")
    return count


def series_of(instances: Iterable[Instance]) -> Series:
    """One series from its instances (at least one, all of the same Series Instance UID).

    `attributes` are those with the same value in every instance, and what follows from all of them together:
    NumberOfSlices, Orientation and SliceSpacing (see `placement`).
    """
    members = tuple(sorted(instances, key=lambda instance: instance.sop_instance_uid))
    shared = _common(instance.attributes for instance in members)
    shared.update(series_placement(members))
    return Series(
        series_instance_uid=SeriesInstanceUID(str(shared["SeriesInstanceUID"])),
        modality=str(members[0].attributes.get("Modality", "")),
        instances=members,
        attributes=MappingProxyType(shared),
    )


def study_of(instances: Iterable[Instance]) -> Study:
    """One study from its instances (at least one, all of the same Study Instance UID); series sorted by number and UID.

    An instance that appears twice counts once. `attributes` are the Patient and Study Module attributes that all share.
    """
    members = {instance.sop_instance_uid: instance for instance in instances}
    by_series: dict[AttributeValue, list[Instance]] = defaultdict(list)
    for instance in members.values():
        by_series[instance.attributes["SeriesInstanceUID"]].append(instance)
    shared = _common(instance.attributes for instance in members.values())
    series = sorted((series_of(group) for group in by_series.values()), key=_series_order)
    return Study(
        study_instance_uid=StudyInstanceUID(str(shared["StudyInstanceUID"])),
        series=tuple(series),
        attributes=MappingProxyType({key: value for key, value in shared.items() if key in PATIENT_AND_STUDY_KEYWORDS}),
    )


def _series_order(series: Series) -> tuple[float, str]:
    number = series.attributes.get("SeriesNumber")
    return (float(number) if isinstance(number, (int, float)) else float("inf"), series.series_instance_uid)


def _common(each: Iterable[Mapping[str, AttributeValue]]) -> Attributes:
    shared: Attributes | None = None
    for attributes in each:
        if shared is None:
            shared = dict(attributes)
        else:
            shared = {key: value for key, value in shared.items() if attributes.get(key) == value}
    return shared or {}
