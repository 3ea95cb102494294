"""A structured report as text that a person reads: its content tree, one line for each item (PS3.3 C.17.3)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from pydicom import Dataset

_UNITS = {"1": "", "{ratio}": "", "[hnsf'U]": "HU", "cm2": "cm²", "cm3": "cm³", "mm2": "mm²"}
_DEEPEST = 32
_LIST = 4
"""Of items that name one object after the other, such as the images of a series, this many are written out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLine:
    """One content item. target: the SOP Instance UID that it refers to, "" for none."""

    depth: int
    name: str
    value: str
    target: str = ""


def content_lines(dataset: Dataset) -> tuple[ContentLine, ...]:
    """The tree below the root, in order; the root's own title comes first. Of long lists of objects the beginning."""
    return tuple(
        _shortened(
            (ContentLine(depth=0, name=_meaning(dataset, "ConceptNameCodeSequence"), value=""), *_lines(dataset, 1))
        )
    )


def _shortened(lines: tuple[ContentLine, ...]) -> Iterator[ContentLine]:
    for _, group in groupby(lines, key=lambda line: (line.depth, line.name, bool(line.target))):
        members = list(group)
        if not members[0].target or len(members) <= _LIST + 1:
            yield from members
            continue
        yield from members[:_LIST]
        yield replace(members[0], value=f"+ {len(members) - _LIST}", target="")


def _lines(item: Dataset, depth: int) -> Iterator[ContentLine]:
    for child in item.get("ContentSequence") or ():
        value, target = _value(child)
        yield ContentLine(
            depth=depth, name=_meaning(child, "ConceptNameCodeSequence") or _relation(child), value=value, target=target
        )
        if depth < _DEEPEST:
            yield from _lines(child, depth + 1)


def _relation(child: Dataset) -> str:
    return str(child.get("RelationshipType") or "").capitalize()


def _value(child: Dataset) -> tuple[str, str]:
    """What the item says, and the object that it refers to."""
    match str(child.get("ValueType")):
        case "CODE":
            return _meaning(child, "ConceptCodeSequence"), ""
        case "NUM":
            return _number(child), ""
        case "TEXT":
            return str(child.get("TextValue") or ""), ""
        case "UIDREF":
            return str(child.get("UID") or ""), ""
        case "PNAME":
            return str(child.get("PersonName") or ""), ""
        case "DATE" | "TIME" | "DATETIME" as kind:
            keyword = {"DATE": "Date", "TIME": "Time", "DATETIME": "DateTime"}[kind]
            return str(child.get(keyword) or ""), ""
        case "IMAGE" | "COMPOSITE" | "WAVEFORM":
            return _reference(child)
        case "SCOORD" | "SCOORD3D":
            return f"{str(child.get('GraphicType') or '').capitalize()}, {_points(child)}", ""
        case _:
            return "", ""


def _number(child: Dataset) -> str:
    measured = (child.get("MeasuredValueSequence") or [None])[0]
    if measured is None:
        return "–"
    item = (measured.get("MeasurementUnitsCodeSequence") or [Dataset()])[0]
    unit = str(item.get("CodeValue") or "")
    return f"{float(measured.NumericValue):.5g} {_UNITS.get(unit, unit)}".strip()


def _reference(child: Dataset) -> tuple[str, str]:
    target = child.ReferencedSOPSequence[0]
    parts = [target.ReferencedSOPClassUID.name if hasattr(target.ReferencedSOPClassUID, "name") else ""]
    if "ReferencedSegmentNumber" in target:
        parts.append(f"segment {target.ReferencedSegmentNumber}")
    if "ReferencedFrameNumber" in target:
        parts.append(f"frame {target.ReferencedFrameNumber}")
    uid = str(target.ReferencedSOPInstanceUID)
    return ", ".join([*filter(None, parts), f"…{uid[-12:]}"]), uid


def _points(child: Dataset) -> str:
    per_point = 3 if child.ValueType == "SCOORD3D" else 2
    return f"{len(child.get('GraphicData') or ()) // per_point} points"


def _meaning(item: Dataset, keyword: str) -> str:
    names = item.get(keyword)
    return str(names[0].get("CodeMeaning") or "") if names else ""
