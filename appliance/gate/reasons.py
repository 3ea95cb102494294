"""Why an object is kept out. The codes are stable; runbooks/error-codes.md explains each."""

from enum import StrEnum


class Reason(StrEnum):
    """A reason of the gate. `may_be_overridden` says whether a person may let such an object in all the same."""

    NOT_DICOM = "gate-not-dicom"
    TOO_LARGE = "gate-too-large"
    META_HEADER = "gate-meta-header"
    TRANSFER_SYNTAX = "gate-transfer-syntax"
    INFLATION = "gate-inflation"
    STRUCTURE = "gate-structure"
    UNKNOWN_VR = "gate-unknown-vr"
    NESTING = "gate-nesting"
    ELEMENTS = "gate-elements"
    DUPLICATE = "gate-duplicate-element"
    UID_MISSING = "gate-uid-missing"
    UID_INVALID = "gate-uid-invalid"
    IMAGE_SIZE = "gate-image-size"
    PIXEL_DATA = "gate-pixel-data"
    DEFECT = "gate-defect"
    CRASH = "orthanc-crash"

    @property
    def may_be_overridden(self) -> bool:
        """Only where the object is too much of something, never where it can harm a parser."""
        return self in _MAY_BE_OVERRIDDEN


_MAY_BE_OVERRIDDEN = frozenset(
    {
        Reason.TOO_LARGE,
        Reason.TRANSFER_SYNTAX,
        Reason.UNKNOWN_VR,
        Reason.ELEMENTS,
        Reason.IMAGE_SIZE,
        Reason.DEFECT,
    }
)


class Refused(Exception):
    """The object stays out. `detail` names tags and numbers, never a value; the UIDs are those that are known."""

    def __init__(
        self, reason: Reason, detail: str, study: str = "", sop_class: str = "", sop_instance: str = ""
    ) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail
        self.study = study
        self.sop_class = sop_class
        self.sop_instance = sop_instance

    def __reduce__(self) -> "tuple[type[Refused], tuple[Reason, str, str, str, str]]":
        """What pickle makes it of again."""
        return Refused, (self.reason, self.detail, self.study, self.sop_class, self.sop_instance)
