"""What results need of a source header: its standard elements, as clean Unicode, without bulk."""

from typing import Any

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag

from appliance.study.attributes import DECIMAL_VRS, is_sound
from appliance.study.keywords import EQUIPMENT_KEYWORDS, IMAGE_KEYWORDS, PATIENT_AND_STUDY_KEYWORDS, SERIES_KEYWORDS

UNICODE = "ISO_IR 192"
BULK_BYTES = 64 * 1024
REPEATING_GROUPS = (0x50, 0x60)  # high byte of curve and overlay groups
NOT_KEPT = frozenset({"IconImageSequence", "PixelData", "FloatPixelData", "DoubleFloatPixelData"})
CHARACTER_SET = BaseTag(0x00080005)
SLICE_KEYWORDS = PATIENT_AND_STUDY_KEYWORDS | SERIES_KEYWORDS | EQUIPMENT_KEYWORDS | IMAGE_KEYWORDS


def reference_header(dataset: Dataset) -> Dataset:
    """A copy of the header without pixel data, private elements, overlays, curves and bulk; text decoded to Unicode.

    Elements that cannot be parsed are left out, so that reading the header later neither fails nor warns. Call it
    inside `objects.tolerant`. The file meta information stays.
    """
    header = _copy(dataset, [tag for tag in _tags(dataset) if _is_kept(dataset, tag)])
    header.remove_private_tags()
    return _as_unicode(header)


class SliceHeaders:
    """The same for the many slices of a series: only the SLICE_KEYWORDS, sharing what equals the first slice.

    A full header takes milliseconds to parse, and of several hundred slices nearly all elements are the same bytes.
    """

    def __init__(self) -> None:
        self._first: dict[BaseTag, tuple[object, DataElement]] = {}

    def header(self, dataset: Dataset) -> Dataset:
        """The header of one slice; elements must not be changed in place."""
        raw = {tag: _bytes(dataset, tag) for tag in _tags(dataset) if keyword_for_tag(tag) in SLICE_KEYWORDS}
        same_charset = CHARACTER_SET in self._first and self._first[CHARACTER_SET][0] == raw.get(CHARACTER_SET)
        first = self._first if same_charset else {}
        shared = {tag for tag, value in raw.items() if value is not None and tag in first and first[tag][0] == value}
        own = [tag for tag in raw if tag not in shared or tag == CHARACTER_SET]  # the own text needs it to be decoded
        header = _as_unicode(_copy(dataset, own))
        for tag in shared:
            if tag != CHARACTER_SET:
                header.add(first[tag][1])
        if not self._first:
            self._first = {element.tag: (raw.get(element.tag), element) for element in header}
        return header


def _tags(dataset: Dataset) -> tuple[BaseTag, ...]:
    """The tags alone; iterating the dataset itself would convert every element."""
    return tuple(dataset.keys())


def _bytes(dataset: Dataset, tag: BaseTag) -> bytes | None:
    element: Any = dataset.get_item(tag)
    return element.value if isinstance(element, RawDataElement) else None


def _copy(dataset: Dataset, tags: list[BaseTag]) -> Dataset:
    header = Dataset()
    header.file_meta = dataset.file_meta
    for tag in tags:
        try:
            element = dataset[tag]
            # makes pydicom convert now rather than when a result is written
            if _mend(element):
                header.add(element)
        except Exception:  # noqa: BLE001, S112 - a faulty element is left out; the rest is sound
            continue
    return header


def _mend(element: DataElement) -> bool:
    """Whether the element says what its VR says, without what does not in its items; pydicom keeps "fat!" as a DS."""
    if element.VR != "SQ":
        return is_sound(element.value, element.VR)
    for item in element.value:
        for tag in _tags(item):
            if not _is_sound_in(item, tag):
                del item[tag]
    return True


def _is_sound_in(item: Dataset, tag: BaseTag) -> bool:
    """Converts nothing but numbers and sequences: an enhanced object has tens of thousands of nested elements."""
    if item.get_item(tag).VR not in (*DECIMAL_VRS, "SQ", None):
        return True
    try:
        return _mend(item[tag])
    except Exception:  # noqa: BLE001 - pydicom converts lazily and raises whatever the foreign bytes provoke
        return False


def _as_unicode(header: Dataset) -> Dataset:
    header.decode()
    header.SpecificCharacterSet = UNICODE
    return header


def _is_kept(dataset: Dataset, tag: BaseTag) -> bool:
    if tag.is_private or tag.group >> 8 in REPEATING_GROUPS or keyword_for_tag(tag) in NOT_KEPT:
        return False
    element: Any = dataset.get_item(tag)
    if not isinstance(element, RawDataElement):
        return True
    return element.value is None or element.VR == "SQ" or len(element.value) <= BULK_BYTES
