"""A tiny valid object that takes the place of a refused one on its way through Orthanc's C-STORE.

Orthanc tells the sender's AE title, and lets a plugin choose the status of the response, only in the filter that comes
after it has parsed the object. It parses this one instead, and then the filter refuses it: it is never stored.
"""

import struct

_CLASS = "1.2.840.10008.5.1.4.1.1.66"  # Raw Data Storage
_INSTANCE = "2.25.225917316429350125311837117283421570063"
_LITTLE = "1.2.840.10008.1.2.1"


def _element(group, element, vr, value):
    padded = value + (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    return struct.pack("<HH2sH", group, element, vr, len(padded)) + padded


def _uid(group, element, value):
    return _element(group, element, b"UI", value.encode("ascii"))


def tombstone():
    """The bytes of the object (PS3.10)."""
    meta = struct.pack("<HH2sHI2s", 2, 1, b"OB", 0, 2, b"\0\1") + _uid(2, 2, _CLASS) + _uid(2, 3, _INSTANCE)
    meta += _uid(2, 0x10, _LITTLE) + _uid(2, 0x12, _INSTANCE + ".1")
    length = _element(2, 0, b"UL", struct.pack("<I", len(meta)))
    data_set = _uid(8, 0x16, _CLASS) + _uid(8, 0x18, _INSTANCE) + _element(8, 0x60, b"CS", b"OT")
    data_set += _element(0x10, 0x20, b"LO", b"TOMBSTONE")
    data_set += _uid(0x20, 0xD, _INSTANCE + ".2") + _uid(0x20, 0xE, _INSTANCE + ".3")
    return b"\0" * 128 + b"DICM" + length + meta + data_set
