"""Functional groups of enhanced multi-frame objects (PS3.3 C.7.6.16): the attributes that hold for one frame."""

from collections.abc import Iterator, Mapping

from pydicom import Dataset
from pydicom.sequence import Sequence

from appliance.domain.study import AttributeValue
from appliance.study.attributes import attribute
from appliance.study.keywords import READ_KEYWORDS

SHARED = "SharedFunctionalGroupsSequence"
PER_FRAME = "PerFrameFunctionalGroupsSequence"
NOT_LIFTED = frozenset({"ImagePositionPatient"})  # a place belongs to one frame, even in an object that has only one


def is_enhanced(dataset: Dataset) -> bool:
    """Whether the frames are described by functional groups."""
    return bool(_items(dataset, PER_FRAME))


def frame_count(dataset: Dataset) -> int:
    """Number of frames that functional groups describe."""
    return len(_items(dataset, PER_FRAME))


def frame_macro(dataset: Dataset, frame: int, macro: str) -> Dataset | None:
    """The item of functional group `macro` (a sequence keyword) for `frame` (from 0): its own, else the shared one."""
    for groups in (_items(dataset, PER_FRAME)[frame : frame + 1], _items(dataset, SHARED)[:1]):
        for group in groups:
            items = _items(group, macro)
            if items:
                return items[0]
    return None


def lifted_attributes(dataset: Dataset, present: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """READ_KEYWORDS that hold for all frames and are not at the top level (`present`).

    Effective Echo Time, the enhanced word for it, comes as EchoTime too.
    """
    lifted: dict[str, AttributeValue] = {}
    for group in _items(dataset, SHARED)[:1]:
        lifted.update(_group_attributes(group))
    frames = _items(dataset, PER_FRAME)
    if frames:
        same = _group_attributes(frames[0])
        for frame in frames[1:]:
            other = _group_attributes(frame)
            same = {keyword: value for keyword, value in same.items() if other.get(keyword) == value}
        lifted.update(same)
    if "EffectiveEchoTime" in lifted:
        lifted.setdefault("EchoTime", lifted["EffectiveEchoTime"])
    return {keyword: value for keyword, value in lifted.items() if keyword not in present and keyword not in NOT_LIFTED}


def _group_attributes(group: Dataset) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    for macro in _macros(group):
        for element in macro:
            if element.keyword in READ_KEYWORDS:
                value = attribute(macro, element.keyword)
                if value is not None:
                    found[element.keyword] = value
    return found


def _macros(group: Dataset) -> Iterator[Dataset]:
    for element in group:
        if element.VR == "SQ" and not element.tag.is_private and element.value:
            yield element.value[0]


def _items(dataset: Dataset, keyword: str) -> Sequence | list[Dataset]:
    try:
        value = dataset.get(keyword)
    except Exception:  # noqa: BLE001 - pydicom parses lazily and raises whatever the foreign bytes provoke
        return []
    return value if isinstance(value, Sequence) else []
