"""An object in the transfer syntax and the character set that a destination reads: the same object, encoded anew."""

from collections.abc import Callable, Collection

from pydicom import Dataset
from pydicom.charset import python_encoding
from pydicom.multival import MultiValue
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from appliance.delivery.sender import Answer, refused

NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_TYPOGRAPHY = str.maketrans(
    {"–": "-", "—": "-", "‑": "-", "−": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "…": "...", "≥": ">="}
    | {"≤": "<=", "•": "-", "\u202f": " ", "\u2009": " "}
)
"""Signs that a smaller character set may lack, and what says the same."""


def in_syntax(dataset: Dataset, accepted: Collection[str]) -> bool:
    """Bring the object into one of the `accepted` transfer syntaxes; False if there is no way.

    Between native syntaxes writer and network library convert by themselves; a compressed object is decompressed where
    its own syntax is not accepted.
    """
    own = dataset.file_meta.TransferSyntaxUID
    if own in accepted:
        return True
    native = [UID(syntax) for syntax in NATIVE if syntax in accepted]
    if not native:
        return False
    if own.is_encapsulated:
        dataset.decompress(generate_instance_uid=False)
    return True


def in_character_set(dataset: Dataset, character_set: str) -> Answer | None:
    """Bring all text into `character_set`; an answer that says why where that would change what the object says.

    Typographic signs become their plain counterparts. A name is never written with question marks.
    """
    if not character_set or dataset.get("SpecificCharacterSet") == character_set:
        return None
    encoding = python_encoding[character_set]
    dataset.decode()
    lost = _walk(dataset, lambda text: text.translate(_TYPOGRAPHY), encoding)
    if lost:
        return refused(f"{lost} cannot be written in {character_set}")
    dataset.SpecificCharacterSet = character_set
    return None


def _walk(dataset: Dataset, plain: Callable[[str], str], encoding: str) -> str:
    """Rewrite every text below `dataset`; the keyword of the first element that does not fit, or an empty string."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value or ():
                item.pop("SpecificCharacterSet", None)
                if lost := _walk(item, plain, encoding):
                    return lost
        elif element.VR in _TEXT and element.value:
            several = isinstance(element.value, MultiValue)
            values = [str(value) for value in element.value] if several else [str(element.value)]
            if all(value.isascii() for value in values):
                continue
            texts = [_fitting(value, plain, encoding) for value in values]
            if not all(_fits(text, encoding) for text in texts):
                return str(element.keyword or element.tag)
            element.value = texts if several else texts[0]
    return ""


def _fitting(text: str, plain: Callable[[str], str], encoding: str) -> str:
    return text if _fits(text, encoding) else plain(text)


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
