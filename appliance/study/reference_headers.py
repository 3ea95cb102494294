"""What results need of a source header: its standard elements, as clean Unicode, without bulk."""

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

BULK_BYTES = 64 * 1024
REPEATING_GROUPS = (0x50, 0x60)  # high byte of curve and overlay groups
NOT_KEPT = frozenset({"IconImageSequence", "PixelData", "FloatPixelData", "DoubleFloatPixelData"})


def reference_header(dataset: Dataset) -> Dataset:
    """A copy of the header without pixel data, private elements, overlays, curves and bulk; text decoded to Unicode.

    Elements that cannot be parsed are left out, so that reading the header later neither fails nor warns. Call it
    inside `objects.tolerant`. The file meta information stays.
    """
    header = Dataset()
    header.file_meta = dataset.file_meta
    for tag in sorted(dataset.keys()):
        if not _is_kept(dataset, tag):
            continue
        try:
            element = dataset[tag]
            element.value  # noqa: B018 - makes pydicom convert now rather than when a result is written
            header.add(element)
        except Exception:  # noqa: BLE001, S112 - a faulty element is left out; the rest of the header is sound
            continue
    header.remove_private_tags()
    header.decode()
    header.SpecificCharacterSet = "ISO_IR 192"
    return header


def _is_kept(dataset: Dataset, tag: BaseTag) -> bool:
    if tag.is_private or tag.group >> 8 in REPEATING_GROUPS or keyword_for_tag(tag) in NOT_KEPT:
        return False
    element = dataset.get_item(tag)
    value = element.value if isinstance(element, RawDataElement) else None
    return value is None or element.VR == "SQ" or len(value) <= BULK_BYTES
