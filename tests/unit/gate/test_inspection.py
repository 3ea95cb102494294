"""The gate says of every object what it is, or why it stays out."""

import io
import random
from pathlib import Path

import pytest
from pydicom import Dataset, dcmwrite
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from appliance.gate.inspection import inspect, inspect_file
from appliance.gate.limits import Limits
from appliance.gate.reasons import Reason, Refused
from tests.helpers.dicom_builder import blob_phantom, compressed, ct_series, enhanced_ct
from tests.helpers.hostile import ACCEPTED, ANYTHING, IMPLICIT, KINDS, Hostile, corpus, element, image, joined, part10

SLOW = ("a deflate bomb", "100,000 elements", "many elements in items")


def _encoded(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    dataset.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=syntax != ExplicitVRBigEndian)
    return buffer.getvalue()


def _file(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _verdict(content: bytes, limits: Limits | None = None) -> str:
    try:
        inspect(content, limits or Limits())
    except Refused as refusal:
        return refusal.reason.value
    return ACCEPTED


@pytest.fixture(scope="module")
def hostile() -> dict[str, list[Hostile]]:
    found: dict[str, list[Hostile]] = {}
    for item in corpus():
        found.setdefault(item.kind, []).append(item)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_hostile_object_is_refused_for_what_it_is(kind: str, hostile: dict[str, list[Hostile]]) -> None:
    for item in hostile[kind][: 1 if kind in SLOW else None]:
        verdict = _verdict(item.content)
        assert item.expected == ANYTHING or verdict in item.expected, f"{kind} {item.number}: {verdict}"


def test_the_corpus_is_large_and_always_the_same(hostile: dict[str, list[Hostile]]) -> None:
    items = [item for kind in hostile.values() for item in kind]
    assert len(items) >= 500
    assert len(hostile) >= 20
    again = [item for item in corpus(each=1) if item.kind not in SLOW]
    assert [item.content for item in again] == [hostile[item.kind][0].content for item in again]


@pytest.mark.parametrize(
    "syntax",
    [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
    ids=lambda uid: uid.name,
)
def test_honest_objects_pass_in_every_native_syntax(syntax: str) -> None:
    dataset = ct_series(blob_phantom())[0]
    found = inspect(_encoded(dataset, syntax))
    assert found.sop_instance == dataset.SOPInstanceUID
    assert found.study == dataset.StudyInstanceUID
    assert not found.foreign_preamble


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless], ids=lambda uid: uid.name)
def test_honest_objects_pass_compressed(syntax: str) -> None:
    assert _verdict(_file(compressed(ct_series(blob_phantom())[0], syntax))) == ACCEPTED


def test_enhanced_objects_pass() -> None:
    found = inspect(_file(enhanced_ct(blob_phantom())))
    assert found.depth == 2


@pytest.mark.parametrize("depth", [31, 32, 33])
def test_nesting_is_counted_exactly(depth: int) -> None:
    dataset = ct_series(blob_phantom())[0]
    inner = Dataset()
    for _ in range(depth):
        outer = Dataset()
        outer.ContentSequence = [inner]
        inner = outer
    dataset.ContentSequence = inner.ContentSequence
    assert _verdict(_file(dataset)) == (ACCEPTED if depth <= 32 else Reason.NESTING.value)


def test_an_object_without_preamble_passes(rng_image: bytes) -> None:
    assert _verdict(rng_image) == ACCEPTED
    assert _verdict(part10(rng_image)[132:]) == ACCEPTED


def test_a_private_value_that_only_looks_like_a_sequence_is_no_fault() -> None:
    """In UN and in Implicit VR a value may begin like an item and be something else."""
    lookalike = b"\xfe\xff\x00\xe0\x10\x00\x00\x00" + bytes(range(200, 210))
    for implicit in (False, True):
        private = element(0x00091001, "UN", lookalike, implicit=implicit)
        data_set = joined(image(random.Random(1), implicit=implicit), (0x00091001, private))
        assert _verdict(part10(data_set, IMPLICIT) if implicit else part10(data_set)) == ACCEPTED


def test_trailing_zeros_are_padding_and_trailing_rubbish_is_not(rng_image: bytes) -> None:
    assert _verdict(part10(rng_image + bytes(5))) == ACCEPTED
    assert _verdict(part10(rng_image + bytes(5000))) == ACCEPTED
    assert _verdict(part10(rng_image + bytes(5000) + b"x")) != ACCEPTED
    assert _verdict(part10(rng_image + b"rubbish")) == Reason.STRUCTURE.value


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(object_bytes=500), Reason.TOO_LARGE),
        (Limits(level_elements=5), Reason.ELEMENTS),
        (Limits(elements=5), Reason.ELEMENTS),
        (Limits(frame_pixels=255), Reason.IMAGE_SIZE),
        (Limits(frames=0), Reason.IMAGE_SIZE),
        (Limits(decoded_bytes=511), Reason.IMAGE_SIZE),
    ],
)
def test_each_limit_has_its_reason(limits: Limits, reason: Reason, rng_image: bytes) -> None:
    assert _verdict(part10(rng_image), limits) == reason.value
    assert reason.may_be_overridden


def test_what_kills_parsers_can_never_be_overridden() -> None:
    for reason in (Reason.NESTING, Reason.STRUCTURE, Reason.META_HEADER, Reason.INFLATION, Reason.CRASH):
        assert not reason.may_be_overridden


def test_a_refusal_names_the_study_where_it_is_known_and_no_value_ever() -> None:
    dataset = ct_series(blob_phantom())[0]
    dataset.PatientName = "Secret^Person"
    dataset.PixelData = b"\0\0"
    with pytest.raises(Refused) as refused:
        inspect(_file(dataset))
    assert refused.value.study == dataset.StudyInstanceUID
    assert "Secret" not in str(refused.value)


def test_files_are_looked_at_without_reading_them_whole(tmp_path: Path, rng_image: bytes) -> None:
    file = tmp_path / "object"
    file.write_bytes(part10(rng_image))
    assert inspect_file(file).sop_class
    file.write_bytes(b"")
    with pytest.raises(Refused):
        inspect_file(file)


@pytest.fixture
def rng_image() -> bytes:
    return joined(image(random.Random(7)))


REFUSED_SHARED = {
    "charsets/chrSQEncoding.dcm": Reason.UID_MISSING,
    "charsets/chrSQEncoding1.dcm": Reason.UID_MISSING,
    "malformed/badVR.dcm": Reason.IMAGE_SIZE,
    "malformed/empty_charset_LEI.dcm": Reason.UID_MISSING,
    "malformed/emri_small_jpeg_2k_lossless_too_short.dcm": Reason.STRUCTURE,
    "transfer-syntaxes/other/HTJ2KLossless_08_RGB.dcm": Reason.UID_MISSING,
    "transfer-syntaxes/other/JLSL_16_15_1_1F.dcm": Reason.UID_MISSING,
    "transfer-syntaxes/other/JLSL_RGB_ILV1.dcm": Reason.UID_MISSING,
}


@pytest.mark.shared
def test_real_objects_pass_but_for_the_broken_ones(shared_data: Path) -> None:
    verdicts = {
        path.relative_to(shared_data).as_posix(): _verdict(path.read_bytes())
        for path in sorted(shared_data.rglob("*"))
        if path.is_file() and (path.suffix == ".dcm" or path.parent.name == "wg04")
    }
    assert len(verdicts) > 100
    refused = {name: verdict for name, verdict in verdicts.items() if verdict != ACCEPTED}
    assert refused == {name: reason.value for name, reason in REFUSED_SHARED.items()}


def test_presentation_addresses_in_the_meta_header_are_read_with_their_long_length() -> None:
    """Source, Sending and Receiving Presentation Address are UR (PS3.10 table 7.1-1)."""
    dataset = ct_series(blob_phantom((2, 8, 8)), seed="addresses")[0]
    for keyword in ("SourcePresentationAddress", "SendingPresentationAddress", "ReceivingPresentationAddress"):
        setattr(dataset.file_meta, keyword, "http://scanner.example/" + 300 * "a")
    assert inspect(_file(dataset)).sop_instance == dataset.SOPInstanceUID


def test_a_meta_element_that_stands_twice_is_refused() -> None:
    rest = element(0x00020010, "UI", b"1.2.840.10008.1.2") + element(0x00020010, "UI", b"1.2.840.10008.1.2.1")
    assert _verdict(bytes(128) + b"DICM" + rest + b"") == Reason.DUPLICATE
