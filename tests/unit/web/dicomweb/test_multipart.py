"""A body is taken apart wherever its chunks break, within bounds, and leaves no file behind."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.errors import (
    MediaTypeUnsupported,
    RequestMalformed,
    RequestTooLarge,
    StorageShort,
    TransientError,
)
from appliance.web.dicomweb.multipart import Parts, UploadLimits, boundary_of

ROOM = UploadLimits(request_bytes=100_000, part_bytes=50_000, parts=10)
HEAD = b"--X\r\nContent-Type: application/dicom\r\n\r\n"


class Spool:
    """The parts that were taken, and what the folder holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken: list[bytes] = []
        self.error: Exception | None = None

    def take(self, file: Path) -> None:
        if self.error:
            raise self.error
        self.taken.append(file.read_bytes())

    def parts(self, **limits: int) -> Parts:
        bounds = {"request_bytes": ROOM.request_bytes, "part_bytes": ROOM.part_bytes, "parts": ROOM.parts} | limits
        return Parts(b"X", self.folder, UploadLimits(**bounds), self.take)

    @property
    def is_empty(self) -> bool:
        return not any(self.folder.iterdir())


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


def body(*contents: bytes) -> bytes:
    return b"".join(HEAD + content + b"\r\n" for content in contents) + b"--X--"


@given(contents=st.lists(st.binary(max_size=60) | st.just(b"\r\n--X"), min_size=1, max_size=4), data=st.data())
def test_parts_come_out_as_they_went_in_however_the_body_is_cut(
    tmp_path_factory: Any, contents: list[bytes], data: st.DataObject
) -> None:
    contents = [content.replace(b"--X", b"--Y") for content in contents]
    spool, whole = Spool(tmp_path_factory.mktemp("spool")), b"\r\n" + body(*contents) + b"\r\nepilogue"
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=12)))
    parts = spool.parts()
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        parts.feed(whole[start:end])
    parts.finish()
    assert spool.taken == contents
    assert spool.is_empty


def test_a_part_is_taken_as_soon_as_it_is_whole(spool: Spool) -> None:
    parts = spool.parts()
    parts.feed(HEAD + b"first\r\n" + HEAD + b"sec")
    assert spool.taken == [b"first"]
    parts.close()
    assert spool.is_empty
    with pytest.raises(RequestMalformed):
        parts.finish()


@pytest.mark.parametrize(
    ("limits", "content"),
    [
        ({"request_bytes": 200}, body(b"a" * 200)),
        ({"part_bytes": 9}, body(b"0123456789")),
        ({"parts": 2}, body(b"1", b"2", b"3")),
    ],
)
def test_bounds_hold_for_the_whole_each_part_and_their_number(
    spool: Spool, limits: dict[str, int], content: bytes
) -> None:
    parts = spool.parts(**limits)
    with pytest.raises(RequestTooLarge):
        parts.feed(content)
    parts.close()
    assert spool.is_empty


def test_what_is_just_within_the_bounds_is_taken(spool: Spool) -> None:
    content = body(b"0123456789", b"")
    parts = spool.parts(request_bytes=len(content), part_bytes=10, parts=2)
    parts.feed(content)
    parts.finish()
    assert spool.taken == [b"0123456789", b""]


@pytest.mark.parametrize(
    "content",
    [
        b"no boundary at all",
        b"--Y\r\n\r\nother boundary\r\n--Y--",
        b"--X\r\nno header\r\n\r\nx\r\n--X--",
        b"--X\r\n" + b"A: b\r\n" * 50 + b"\r\nx\r\n--X--",
        b"--X\r\nA: " + b"b" * 9000 + b"\r\n\r\nx\r\n--X--",
        b"--X" + b"x" * 100,
    ],
)
def test_what_is_no_multipart_body_is_malformed(spool: Spool, content: bytes) -> None:
    parts = spool.parts()
    with pytest.raises(RequestMalformed):
        parts.feed(content)
    assert spool.is_empty


def test_a_part_of_another_media_type_is_refused_and_one_without_is_not(spool: Spool) -> None:
    spool.parts().feed(b"--X\r\n\r\nbare\r\n--X--")
    assert spool.taken == [b"bare"]
    with pytest.raises(MediaTypeUnsupported):
        spool.parts().feed(b"--X\r\ncontent-TYPE: application/dicom+json\r\n\r\n[]\r\n--X--")


def test_whatever_taking_raises_leaves_no_file(spool: Spool) -> None:
    spool.error = TransientError()
    with pytest.raises(TransientError):
        spool.parts().feed(body(b"1"))
    assert spool.is_empty


def test_a_folder_that_cannot_be_written_may_pass(spool: Spool) -> None:
    spool.folder.rmdir()
    with pytest.raises(StorageShort):
        spool.parts().feed(body(b"1"))


@pytest.mark.parametrize(
    "header",
    [
        'multipart/related; type="application/dicom"; boundary="a b"',
        "Multipart/Related; boundary=a; type=application/dicom",
        "multipart/related;type=APPLICATION/DICOM;boundary=" + "b" * 70,
    ],
)
def test_the_boundary_is_found(header: str) -> None:
    assert boundary_of(header) in (b"a b", b"a", b"b" * 70)


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("", MediaTypeUnsupported),
        ("application/dicom", MediaTypeUnsupported),
        ("multipart/form-data; boundary=a", MediaTypeUnsupported),
        ("multipart/related; boundary=a", MediaTypeUnsupported),
        ('multipart/related; type="application/dicom+json"; boundary=a', MediaTypeUnsupported),
        ("multipart/related; type=application/dicom", RequestMalformed),
        ("multipart/related; type=application/dicom; boundary=", RequestMalformed),
        ("multipart/related; type=application/dicom; boundary=" + "b" * 71, RequestMalformed),
    ],
)
def test_another_media_type_or_no_boundary_is_refused(header: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        boundary_of(header)
