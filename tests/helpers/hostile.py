"""Hostile DICOM objects, written byte by byte: no library that makes objects would make these.

    for item in corpus():           # 14 of each kind, always the same ones
        item.kind, item.content, item.expected

`expected` is what the gate must say: ACCEPTED, or one of its reason codes. Over C-STORE that may differ for the kinds
in `MENDED_BY_DCMTK`.
"""

import gzip
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ACCEPTED = "accepted"
LITTLE, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
DEFLATED, JPEG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50"
CT = "1.2.840.10008.5.1.4.1.1.2"
UNDEFINED = 0xFFFFFFFF
_LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
Elements = dict[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """One object; `data_set` and `syntax` are what goes over C-STORE, None where it has no such part."""

    kind: str
    number: int
    content: bytes
    expected: frozenset[str]
    data_set: bytes | None
    syntax: str


def element(tag: int, vr: str, value: bytes, *, length: int | None = None, implicit: bool = False) -> bytes:
    """One element in little endian; `length` may lie."""
    value += (b"\0" if vr in ("UI", "OB", "UN") else b" ") * (len(value) % 2 if length is None else 0)
    size = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if implicit:
        return head + struct.pack("<I", size) + value
    if vr in _LONG or len(vr) != 2:
        return head + vr.encode() + b"\0\0" + struct.pack("<I", size) + value
    return head + vr.encode() + struct.pack("<H", size & 0xFFFF) + value


def part10(
    data_set: bytes, syntax: str = LITTLE, *, preamble: bytes = bytes(128), group_length: int | None = None
) -> bytes:
    """The data set with preamble and file meta information."""
    rest = element(0x00020001, "OB", b"\0\1") + element(0x00020002, "UI", CT.encode())
    rest += element(0x00020003, "UI", b"1.2.3") + element(0x00020010, "UI", syntax.encode())
    size = len(rest) if group_length is None else group_length
    return preamble + b"DICM" + element(0x00020000, "UL", struct.pack("<I", size)) + rest + data_set


def image(rng: random.Random, *, implicit: bool = False, **values: bytes | None) -> Elements:
    """The elements of a small CT slice by tag, encoded; `values` replaces or (None) leaves out by short name."""
    uid = f"1.2.826.0.1.3680043.10.{rng.randrange(10**9)}"
    number = struct.Struct("<H").pack
    plain: dict[str, tuple[int, str, bytes]] = {
        "sop_class": (0x00080016, "UI", CT.encode()),
        "sop_instance": (0x00080018, "UI", f"{uid}.3".encode()),
        "modality": (0x00080060, "CS", b"CT"),
        "name": (0x00100010, "PN", b"Hostile^Object"),
        "patient": (0x00100020, "LO", b"HOSTILE"),
        "study": (0x0020000D, "UI", f"{uid}.1".encode()),
        "series": (0x0020000E, "UI", f"{uid}.2".encode()),
        "instance": (0x00200013, "IS", b"1"),
        "samples": (0x00280002, "US", number(1)),
        "photometric": (0x00280004, "CS", b"MONOCHROME2"),
        "rows": (0x00280010, "US", number(16)),
        "columns": (0x00280011, "US", number(16)),
        "bits_allocated": (0x00280100, "US", number(16)),
        "bits_stored": (0x00280101, "US", number(16)),
        "high_bit": (0x00280102, "US", number(15)),
        "sign": (0x00280103, "US", number(1)),
        "pixels": (0x7FE00010, "OW", rng.randbytes(512)),
    }
    changed = {name: (tag, vr, values.get(name, value)) for name, (tag, vr, value) in plain.items()}
    return {tag: element(tag, vr, value, implicit=implicit) for tag, vr, value in changed.values() if value is not None}


def joined(elements: Elements, *more: tuple[int, bytes]) -> bytes:
    """The data set in the order of its tags."""
    return b"".join(content for _, content in sorted([*elements.items(), *more], key=lambda entry: entry[0]))


def _nested(depth: int, *, defined: bool, vr: str = "SQ", implicit: bool = False) -> bytes:
    content = b""
    item, item_end, sequence_end = (struct.pack("<HHI", 0xFFFE, e, 0) for e in (0xE000, 0xE00D, 0xE0DD))
    tag = 0x0040A730 if vr == "SQ" else 0x00091010
    for level in range(depth):
        inside = implicit or (vr == "UN" and level < depth - 1)
        if defined:
            content = struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content
            content = element(tag, vr, content, length=len(content), implicit=inside)
        else:
            content = item[:4] + struct.pack("<I", UNDEFINED) + content + item_end + sequence_end
            content = element(tag, vr, content, length=UNDEFINED, implicit=inside)
    return content


Made = tuple[bytes | None, str, bytes]
"""Data set (None: there is none), transfer syntax, whole file."""
Maker = Callable[[random.Random], Made]
KINDS: dict[str, tuple[Maker, frozenset[str]]] = {}


def _kind(name: str, *expected: str) -> Callable[[Maker], Maker]:
    def add(maker: Maker) -> Maker:
        KINDS[name] = (maker, frozenset(expected))
        return maker

    return add


def _of(data_set: bytes, syntax: str = LITTLE, **options: object) -> Made:
    return data_set, syntax, part10(data_set, syntax, **options)  # type: ignore[arg-type]


def _raw(content: bytes) -> Made:
    return None, LITTLE, content


def _nesting(name: str, **options: object) -> None:
    implicit = bool(options.get("implicit"))
    tag = 0x00091010 if options.get("vr") == "UN" else 0x0040A730

    def make(rng: random.Random) -> Made:
        nested = _nested(rng.choice([33, 60, 100, 500, 3000]), **options)  # type: ignore[arg-type]
        return _of(joined(image(rng, implicit=implicit), (tag, nested)), IMPLICIT if implicit else LITTLE)

    KINDS[name] = (make, frozenset({"gate-nesting"}))


_nesting("nesting, undefined lengths", defined=False)
_nesting("nesting, defined lengths", defined=True)
_nesting("nesting in UN", defined=False, vr="UN")
_nesting("nesting in UN, defined lengths", defined=True, vr="UN")
_nesting("nesting, implicit", defined=False, implicit=True)
_nesting("nesting, implicit, defined lengths", defined=True, implicit=True)


@_kind("a length beyond the end", "gate-structure")
def _huge(rng: random.Random) -> Made:
    lie = rng.choice([0x7FFFFFFF, 0x80000000, 1_000_000, 0xFFFF0000, rng.randrange(10_000, 2**31)])
    return _of(joined(image(rng), (0x00420011, element(0x00420011, "OB", b"x" * 8, length=lie))))


@_kind("a negative length", "gate-structure")
def _negative(rng: random.Random) -> Made:
    lie = rng.choice([0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFF0, 0xFFFFFF00])
    return _of(
        joined(image(rng), (0x00420011, element(0x00420011, rng.choice(["OB", "UN", "SQ"]), b"x" * 8, length=lie)))
    )


@_kind("an odd length", ACCEPTED)
def _odd(rng: random.Random) -> Made:
    value = b"x" * rng.choice([1, 3, 7, 61])
    return _of(joined(image(rng), (0x00081030, element(0x00081030, "LO", value, length=len(value)))))


@_kind("an undefined length where none may be", "gate-structure")
def _no_length(rng: random.Random) -> Made:
    return _of(
        joined(image(rng), (0x0040A160, element(0x0040A160, rng.choice(["UT", "UC", "UR"]), b"text", length=UNDEFINED)))
    )


@_kind("a deflate bomb", "gate-inflation")
def _bomb(rng: random.Random) -> Made:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = joined(image(rng, pixels=None))
    size = rng.choice([150, 160]) * 1024 * 1024
    parts = [packer.compress(head + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, size))]
    zeros = bytes(1 << 20)
    parts.extend(packer.compress(zeros) for _ in range(size >> 20))
    body = b"".join(parts) + packer.flush()
    return None, DEFLATED, part10(body, DEFLATED)


@_kind("a deflated data set that is cut", "gate-inflation")
def _cut_deflate(rng: random.Random) -> Made:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(joined(image(rng))) + packer.flush()
    return None, DEFLATED, part10(body[: rng.randrange(1, len(body) - 8)], DEFLATED)


@_kind("a gzip file", "gate-not-dicom")
def _gzip(rng: random.Random) -> Made:
    return _raw(gzip.compress(part10(joined(image(rng))), mtime=0))


@_kind("a zip archive", "gate-not-dicom")
def _zip(rng: random.Random) -> Made:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("bomb.dcm"), bytes(rng.choice([1, 30]) * 1_000_000))
    return _raw(buffer.getvalue())


@_kind("a file that ends in its pixel data", "gate-structure")
def _cut(rng: random.Random) -> Made:
    data_set = joined(image(rng))
    return _of(data_set[: -rng.randrange(1, 500)])


@_kind("too little pixel data", "gate-pixel-data")
def _short(rng: random.Random) -> Made:
    return _of(joined(image(rng, pixels=rng.randbytes(rng.randrange(0, 510) & ~1))))


@_kind("too much pixel data", ACCEPTED)
def _long(rng: random.Random) -> Made:
    return _of(joined(image(rng, pixels=rng.randbytes(rng.randrange(514, 5000) & ~1))))


@_kind("wrong value representations", ACCEPTED)
def _wrong_vr(rng: random.Random) -> Made:
    elements = image(rng)
    tag = rng.choice([0x00080060, 0x00100010, 0x00100020, 0x00200013])
    elements[tag] = element(tag, rng.choice(["US", "FD", "OB", "UT", "AT", "DS"]), b"garbage!")
    return _of(joined(elements))


@_kind("unknown value representations", "gate-unknown-vr")
def _unknown_vr(rng: random.Random) -> Made:
    vr = rng.choice(["XX", "ZZ", "??", "\0\0", "  ", "ox", "11"])
    return _of(joined(image(rng), (0x00081030, element(0x00081030, vr, b"what is this"))))


@_kind("no UIDs", "gate-uid-missing")
def _no_uid(rng: random.Random) -> Made:
    name = rng.choice(["sop_instance", "study", "series"])
    return _of(joined(image(rng, **{name: rng.choice([None, b"", b"\0\0"])})))


@_kind("no SOP class", "gate-uid-missing")
def _no_class(rng: random.Random) -> Made:
    return _of(joined(image(rng, sop_class=rng.choice([None, b""]))))


@_kind("UIDs like paths", "gate-uid-invalid")
def _path(rng: random.Random) -> Made:
    name = rng.choice(["sop_instance", "study", "series", "sop_class"])
    value = rng.choice(
        [b"../../etc/passwd", b"/etc/cron.d/x", b"..\\..\\x", b"1.2/../3", b"1.2.3;id", b"1..2", b".", b"$(id)"]
    )
    return _of(joined(image(rng, **{name: value})))


@_kind("no DICOM", "gate-not-dicom")
def _not_dicom(rng: random.Random) -> Made:
    return _raw(
        rng.choice(
            [
                b"<!doctype html><p>hello",
                b'{"a": 1}' * 50,
                b"%PDF-1.7\n" + rng.randbytes(900),
                b"MZ" + rng.randbytes(4000),
                rng.randbytes(3000),
            ]
        )
    )


@_kind("foreign preambles", ACCEPTED)
def _polyglot(rng: random.Random) -> Made:
    preamble = rng.choice(
        [b"\x7fELF\x02\x01\x01", b"MZ\x90\0", b"PK\x03\x04", b"#!/bin/sh\nid\n", b"II*\0", b"<script>"]
    )
    return _of(joined(image(rng)), preamble=preamble.ljust(128, b"\x90"))


@_kind("absurd dimensions", "gate-image-size")
def _absurd(rng: random.Random) -> Made:
    huge = struct.pack("<H", rng.choice([65535, 40000, 32768]))
    return _of(joined(image(rng, rows=huge, columns=huge)))


@_kind("absurd numbers of frames", "gate-image-size")
def _frames(rng: random.Random) -> Made:
    count = rng.choice([b"999999999", b"2147483647", b"-5", b"1e9", b"99999999999999999999", b"many"])
    return _of(joined(image(rng), (0x00280008, element(0x00280008, "IS", count))))


@_kind("100,000 elements", "gate-elements")
def _many(rng: random.Random) -> Made:
    private = b"".join(
        element(0x00110000 | 0x1000 + i % 60000 | (i // 60000) << 17, "LO", b"ab") for i in range(100_000)
    )
    return _of(joined(image(rng), (0x00110000, private)))


@_kind("many elements in items", "gate-elements")
def _many_items(rng: random.Random) -> Made:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0) * (400_000 + rng.randrange(1000))
    return _of(joined(image(rng), (0x0040A730, element(0x0040A730, "SQ", item))))


def _encapsulated(rng: random.Random, frames: bytes, fragments: int, end: bytes) -> bytes:
    table = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    pixels = table + (struct.pack("<HHI", 0xFFFE, 0xE000, 4) + b"\xff\xd8\xff\xd9") * fragments + end
    return joined(
        image(rng, pixels=None),
        (0x00280008, element(0x00280008, "IS", frames)),
        (0x7FE00010, element(0x7FE00010, "OB", pixels, length=UNDEFINED)),
    )


@_kind("fragments without end", "gate-structure")
def _endless(rng: random.Random) -> Made:
    return _of(_encapsulated(rng, b"1", rng.randrange(0, 5000), b""), JPEG)


@_kind("fewer fragments than frames", "gate-pixel-data")
def _few(rng: random.Random) -> Made:
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return _of(_encapsulated(rng, b"50", rng.randrange(0, 49), end), JPEG)


@_kind("a wrong group length of the meta header", "gate-meta-header")
def _group(rng: random.Random) -> Made:
    return _of(joined(image(rng)), group_length=rng.choice([0, 1, 4, 300, 0x7FFFFFFF, UNDEFINED]))


@_kind("a meta element beyond the end", "gate-meta-header")
def _meta(rng: random.Random) -> Made:
    lie = rng.choice([0xFFFFFFFF, 0x7FFFFFFF, 0x00100000])
    meta = element(0x00020001, "OB", b"\0\1", length=lie) + element(0x00020010, "UI", LITTLE.encode())
    return _raw(bytes(128) + b"DICM" + meta + joined(image(rng)))


@_kind("wrong group lengths in the data set", ACCEPTED)
def _data_group(rng: random.Random) -> Made:
    lie = struct.pack("<I", rng.choice([0, 1, 0x7FFFFFFF, UNDEFINED]))
    return _of(joined(image(rng), (0x00080000, element(0x00080000, "UL", lie))))


@_kind("elements twice", "gate-duplicate-element")
def _twice(rng: random.Random) -> Made:
    elements = image(rng)
    tag = rng.choice([0x00080018, 0x0020000D, 0x00280010, 0x7FE00010])
    return _of(joined(elements, (tag, elements[tag])))


@_kind("elements out of order", ACCEPTED)
def _order(rng: random.Random) -> Made:
    parts = list(image(rng).values())
    pixels = parts.pop()
    rng.shuffle(parts)
    return _of(b"".join([*parts, pixels]))


@_kind("invalid character sets", ACCEPTED)
def _charset(rng: random.Random) -> Made:
    name = rng.choice([b"ISO_IR 999", b"\\\\\\", b"UTF-8\\GB18030", b"\xff\xfe", b"ISO 2022 IR 6\\NONSENSE"])
    elements = image(rng, name=rng.randbytes(40))
    return _of(joined(elements, (0x00080005, element(0x00080005, "CS", name))))


@_kind("private elements without creator", ACCEPTED)
def _private(rng: random.Random) -> Made:
    tag = 0x00110000 | rng.randrange(0x1000, 0xFFFF)
    return _of(joined(image(rng), (tag, element(tag, rng.choice(["LO", "UN", "OB"]), rng.randbytes(64)))))


@_kind("nothing at all", "gate-not-dicom")
def _empty(rng: random.Random) -> Made:
    return _raw(b"")


@_kind("a few bytes", "gate-not-dicom")
def _tiny(rng: random.Random) -> Made:
    return _raw(rng.choice([b"\0", b"D", b"DICM", bytes(128), bytes(128) + b"DIC", bytes(131)]))


@_kind("a preamble and nothing more", "gate-uid-missing")
def _only_preamble(rng: random.Random) -> Made:
    return _raw(bytes(128) + b"DICM" + rng.choice([b"", bytes(7), bytes(20)]))


@_kind("a transfer syntax that nobody knows", "gate-transfer-syntax", "gate-uid-invalid")
def _syntax(rng: random.Random) -> Made:
    syntax = rng.choice(["1.2.3.4", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.9", "1.2.840.113619.5.2", "../x"])
    return None, syntax, part10(joined(image(rng)), syntax)


@_kind("delimiters in the wrong place", "gate-structure")
def _delimiter(rng: random.Random) -> Made:
    stray = struct.pack("<HHI", 0xFFFE, rng.choice([0xE000, 0xE00D, 0xE0DD]), rng.choice([0, 4, UNDEFINED]))
    return _of(joined(image(rng), (0x00090000, stray)))


@_kind("an item longer than its sequence", "gate-structure")
def _item(rng: random.Random) -> Made:
    item = struct.pack("<HHI", 0xFFFE, 0xE000, rng.choice([100, 0x7FFFFFFF, 0xFFFFFFFE])) + b"x" * 16
    return _of(joined(image(rng), (0x0040A730, element(0x0040A730, "SQ", item))))


@_kind("nothing of an image", ACCEPTED)
def _zero(rng: random.Random) -> Made:
    return _of(joined(image(rng, **{rng.choice(["rows", "columns", "bits_allocated", "samples"]): b"\0\0"})))


@_kind("other endianness than announced", "gate-structure", "gate-unknown-vr", "gate-uid-missing", "gate-elements")
def _endian(rng: random.Random) -> Made:
    return _of(joined(image(rng)), BIG)


ANYTHING = frozenset({"anything"})


def _damaged(rng: random.Random) -> Made:
    data_set = bytearray(joined(image(rng), (0x0040A730, _nested(3, defined=rng.random() < 0.5))))
    for _ in range(rng.randrange(1, 12)):
        data_set[rng.randrange(len(data_set))] = rng.randrange(256)
    return _of(bytes(data_set))


KINDS["random damage"] = (_damaged, ANYTHING)

MENDED_BY_DCMTK = frozenset(
    {
        "unknown value representations",
        "delimiters in the wrong place",
        "elements twice",
        "a wrong group length of the meta header",
    }
)
"""On the DICOM port DCMTK parses first and writes anew, with a meta header of its own: the gate sees something better,
or something else."""


def corpus(each: int = 14, seed: int = 20261124) -> Iterator[Hostile]:
    """`each` objects of every kind; the slow ones (bombs and 100,000 elements) less often."""
    for kind, (maker, expected) in KINDS.items():
        rng = random.Random(f"{seed}/{kind}")
        few = kind in ("a deflate bomb", "100,000 elements", "many elements in items")
        for number in range(min(each, 3) if few else each):
            data_set, syntax, content = maker(rng)
            yield Hostile(
                kind=kind, number=number, content=content, expected=expected, data_set=data_set, syntax=syntax
            )
