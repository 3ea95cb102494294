"""One DICOM object out of foreign bytes: guarded, and never anything but a dataset or a refusal."""

import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pydicom import dcmread
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from appliance.domain.errors import InputRefused, InputTooLarge, PixelsDamaged, UnreadableObject
from appliance.gate.limits import Limits

MIB = 1024 * 1024
PREAMBLE = 128
FIRST_GROUPS = (0x0002, 0x0008)  # an object without preamble begins with its meta information or its identifying group


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """Bounds on what is read; a refusal is better than a worker without memory."""

    file_bytes: int = 2048 * MIB
    frame_pixels: int = 200_000_000
    series_bytes: int = 4096 * MIB
    archive_members: int = 100_000
    gate: Limits = field(default_factory=Limits)


DEFAULT_LIMITS = ReadLimits()


class _Silence:
    """Warnings off while anyone is inside; `warnings.catch_warnings` alone would race between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved = warnings.catch_warnings()

    def enter(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._saved.__exit__(None, None, None)


_silence = _Silence()


@contextmanager
def tolerant() -> Iterator[None]:
    """Parse without warnings: pydicom warns about every small fault of foreign headers, which is not news here."""
    _silence.enter()
    try:
        yield
    finally:
        _silence.leave()


def read_object(source: Path | bytes, *, pixels: bool = True, limits: ReadLimits = DEFAULT_LIMITS) -> FileDataset:
    """Parse one DICOM object (PS3.10); without `pixels` reading stops before the pixel data.

    Objects without preamble are read when they begin like DICOM. The file meta information of what is returned always
    has a Transfer Syntax UID, and a Deflated object comes back inflated (as Explicit VR Little Endian).

    Raises UnreadableObject; PixelsDamaged when the end is missing; InputTooLarge when the object, or what it inflates
    to, is above the limit.
    """
    where = source.name if isinstance(source, Path) else ""
    try:
        with tolerant(), _opened(source) as file:
            _refuse_size(file, limits.file_bytes)
            dataset = _parse(file, pixels, limits)
    except InputRefused as refusal:
        refusal.where = refusal.where or where
        raise
    except Exception as error:
        raise UnreadableObject(f"parsing failed with {type(error).__name__}", where=where) from error
    return dataset


@contextmanager
def _opened(source: Path | bytes) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield BytesIO(source)
    else:
        with source.open("rb") as file:
            yield file


def _refuse_size(file: BinaryIO, limit: int) -> None:
    size = file.seek(0, 2)
    file.seek(0)
    if size > limit:
        raise InputTooLarge(f"the object has {size // MIB} MiB, the limit is {limit // MIB} MiB")


def _parse(file: BinaryIO, pixels: bool, limits: ReadLimits) -> FileDataset:
    beginning = file.read(PREAMBLE + 4)
    file.seek(0)
    bare = beginning[PREAMBLE:] != b"DICM"
    if bare and (len(beginning) < 8 or struct.unpack("<H", beginning[:2])[0] not in FIRST_GROUPS):
        raise UnreadableObject("neither a DICOM preamble nor a DICOM element at the beginning")
    if not bare:
        meta = _meta_information(file)
        if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
            file = _inflated(file, meta, limits.file_bytes)
        file.seek(0)
    dataset = dcmread(file, stop_before_pixels=not pixels, force=bare)
    if not dataset:
        raise PixelsDamaged("the object ends too early") if pixels else UnreadableObject("no element in the object")
    _settle_transfer_syntax(dataset)
    return dataset


def _meta_information(file: BinaryIO) -> FileMetaDataset:
    """The elements of group 2; leaves `file` where the data set begins."""
    file.seek(PREAMBLE + 4)
    return FileMetaDataset(
        read_dataset(
            file, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, _vr, _size: tag.group != 2
        )
    )


def _inflated(file: BinaryIO, meta: FileMetaDataset, limit: int) -> BinaryIO:
    """The object with its data set, which begins where `file` stands, inflated to at most `limit` bytes (PS3.5 A.5)."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflater.decompress(file.read(), limit)
    if inflater.unconsumed_tail:
        raise InputTooLarge(f"the object inflates to more than {limit // MIB} MiB")
    if not inflater.eof:
        raise UnreadableObject("the deflated data set ends too early")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = DicomBytesIO()
    buffer.write(b"\0" * PREAMBLE + b"DICM")
    write_file_meta_info(buffer, meta, enforce_standard=False)
    return BytesIO(buffer.getvalue() + content)


def _settle_transfer_syntax(dataset: FileDataset) -> None:
    if dataset.file_meta.get("TransferSyntaxUID"):
        return
    implicit, little = dataset.original_encoding
    native = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset.file_meta.TransferSyntaxUID = native if little or implicit else ExplicitVRBigEndian
