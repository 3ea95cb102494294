"""A multipart body, taken apart as it comes: each part goes to a file of its own, and none is ever in memory."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from appliance.domain.errors import MediaTypeUnsupported, RequestMalformed, RequestTooLarge, StorageShort

RELATED, DICOM = b"multipart/related", b"application/dicom"
_LONGEST_BOUNDARY = 70  # RFC 2046 5.1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """Bounds on one request, and on all: requests that are worked on at once, and seconds of silence within one."""

    request_bytes: int
    part_bytes: int
    parts: int
    at_once: int = 4
    patience_s: float = 60.0


def boundary_of(content_type: str) -> bytes:
    """The boundary of multipart/related; type="application/dicom" (PS3.18 8.6.1.2.1, RFC 2387).

    Raises MediaTypeUnsupported, RequestMalformed.
    """
    media_type, parameters = parse_options_header(content_type)
    if media_type.lower() != RELATED or parameters.get(b"type", b"").lower() != DICOM:
        raise MediaTypeUnsupported
    boundary = parameters.get(b"boundary", b"")
    if not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise RequestMalformed("multipart/related needs a boundary of 1 to 70 characters")
    return boundary


class Parts:
    """The parts of one body. Not for several threads at the same time."""

    def __init__(self, boundary: bytes, spool: Path, limits: UploadLimits, take: Callable[[Path], None]) -> None:
        """`take` is given the file of each part when the part is whole; the file is gone when it returns."""
        self._spool = spool
        self._limits = limits
        self._take = take
        self._bytes = self._count = self._size = 0
        self._ended = False
        self._field, self._value = bytearray(), bytearray()
        self._file: BinaryIO | None = None
        self._path = spool
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._begin_part,
                "on_part_data": self._write,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """The next bytes. Raises RequestMalformed, RequestTooLarge, MediaTypeUnsupported, StorageShort, and what `take`
        raises; then nothing more may be fed.
        """
        self._bytes += len(chunk)
        if self._bytes > self._limits.request_bytes:
            raise RequestTooLarge(f"more than {self._limits.request_bytes} bytes")
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise RequestMalformed("the body is not what multipart/related looks like") from error

    def finish(self) -> None:
        """There are no more bytes. Raises RequestMalformed unless the body had a part and came to its end."""
        if not self._ended or not self._count:
            raise RequestMalformed("the body ends before its closing boundary" if self._count else "there is no part")

    def close(self) -> None:
        """Remove the file of a part that is under way."""
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
            self._file = None

    def _end_header(self) -> None:
        if bytes(self._field).lower() == b"content-type" and parse_options_header(bytes(self._value))[0] != DICOM:
            raise MediaTypeUnsupported("a part is not application/dicom")
        self._field.clear()
        self._value.clear()

    def _begin_part(self) -> None:
        self._count += 1
        if self._count > self._limits.parts:
            raise RequestTooLarge(f"more than {self._limits.parts} parts")
        self._size = 0
        with _writing():
            descriptor, name = tempfile.mkstemp(dir=self._spool, suffix=".dcm")
        self._path, self._file = Path(name), os.fdopen(descriptor, "wb")

    def _write(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._size > self._limits.part_bytes:
            raise RequestTooLarge(f"a part of more than {self._limits.part_bytes} bytes")
        assert self._file is not None
        with _writing():
            self._file.write(memoryview(data)[start:end])

    def _end_part(self) -> None:
        if self._file is None:
            raise RequestMalformed("a part ends within its headers")
        try:
            with _writing():
                self._file.flush()
            self._take(self._path)
        finally:
            self.close()

    def _end(self) -> None:
        self._ended = True


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageShort(error.strerror or type(error).__name__) from error
