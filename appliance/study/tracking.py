"""What a segmentation or a structured report says it is about: tracking UIDs (PS3.3 C.8.20.2, PS3.16 TID 1501)."""

from collections.abc import Iterator

from pydicom import Dataset

_TRACKING_UID = ("112040", "DCM")
_DEEPEST = 32
_MOST = 1000


def tracking_uids(dataset: Dataset) -> tuple[str, ...]:
    """Each Tracking UID of a SEG or SR once, in order; at most a thousand."""
    segments = (str(item.get("TrackingUID") or "") for item in dataset.get("SegmentSequence") or ())
    return tuple(dict.fromkeys(uid for uid in (*segments, *_of_content(dataset, 0)) if uid))[:_MOST]


def _of_content(item: Dataset, depth: int) -> Iterator[str]:
    for child in item.get("ContentSequence") or ():
        if child.get("ValueType") == "UIDREF" and _is_tracking(child):
            yield str(child.get("UID") or "")
        if depth < _DEEPEST:
            yield from _of_content(child, depth + 1)


def _is_tracking(child: Dataset) -> bool:
    names = child.get("ConceptNameCodeSequence")
    return (
        bool(names) and (str(names[0].get("CodeValue")), str(names[0].get("CodingSchemeDesignator"))) == _TRACKING_UID
    )
