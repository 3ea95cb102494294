"""What can be read through DICOMweb, as one table: nothing else is asked of Orthanc (PS3.18 9, 10.4 and 10.6)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

_UID = re.compile(r"(?=.{1,64}$)[0-9]+(\.[0-9]+)*")
_FRAMES = re.compile(r"[0-9]{1,6}(,[0-9]{1,6}){0,999}")
_BULK = re.compile(r"[0-9a-fA-F]{8}(/[0-9]{1,6}/[0-9a-fA-F]{8}){0,20}")
_FORMS = {"study": _UID, "series": _UID, "instance": _UID, "frames": _FRAMES, "bulk": _BULK}


class Reading(Enum):
    """Kinds of reading, as the audit trail tells them apart."""

    SEARCH = auto()
    RETRIEVE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One line of the table.

    path: below the root, with parameters in braces, the same at Orthanc unless `at_orthanc` is another.
    immutable: what it answers never changes, since an instance never does; a browser may keep it for its session.
    accept: media types that are asked of Orthanc, where it does not know those that clients name.
    """

    path: str
    reading: Reading = Reading.RETRIEVE
    at_orthanc: str = ""
    immutable: bool = False
    accept: str = ""

    def upstream(self, values: Mapping[str, str]) -> str | None:
        """The path at Orthanc; None where a value has not the form of its parameter."""
        if not all(_FORMS[name].fullmatch(value) for name, value in values.items()):
            return None
        return (self.at_orthanc or self.path).format_map(values)


_STUDY = "/studies/{study}"
_SERIES = _STUDY + "/series/{series}"
_INSTANCE = _SERIES + "/instances/{instance}"
_FRAMES_OF = _INSTANCE + "/frames/{frames}"
_ANY_PART = 'multipart/related; type="application/octet-stream"'

RESOURCES = (
    *(
        Resource(path=path, reading=Reading.SEARCH)
        for path in (
            "/studies",
            "/series",
            "/instances",
            _STUDY + "/series",
            _STUDY + "/instances",
            _SERIES + "/instances",
        )
    ),
    Resource(path=_STUDY),
    Resource(path=_SERIES),
    Resource(path=_INSTANCE, immutable=True),
    Resource(path=_STUDY + "/metadata"),
    Resource(path=_SERIES + "/metadata"),
    Resource(path=_INSTANCE + "/metadata"),
    Resource(path=_FRAMES_OF, immutable=True),
    Resource(path=_FRAMES_OF + "/rendered", immutable=True),
    Resource(
        path=_INSTANCE + "/bulk/{bulk:path}", at_orthanc=_INSTANCE + "/bulk/{bulk}", immutable=True, accept=_ANY_PART
    ),
    Resource(path=_STUDY + "/rendered"),
    Resource(path=_SERIES + "/rendered"),
    Resource(path=_INSTANCE + "/rendered", immutable=True),
    Resource(path=_STUDY + "/thumbnail", at_orthanc=_STUDY + "/rendered", accept="image/jpeg"),
    Resource(path=_SERIES + "/thumbnail", at_orthanc=_SERIES + "/rendered", accept="image/jpeg"),
    Resource(path=_INSTANCE + "/thumbnail", at_orthanc=_INSTANCE + "/rendered", accept="image/jpeg", immutable=True),
    Resource(path=_FRAMES_OF + "/thumbnail", at_orthanc=_FRAMES_OF + "/rendered", accept="image/jpeg", immutable=True),
)
"""Orthanc has no thumbnails: its rendered images stand in. Metadata name the address of bulk data, which depends on how
one came here, so they are not kept by browsers.
"""
