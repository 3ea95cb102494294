"""Every encoding of the shared samples: equal to its uncompressed counterpart, or refused with the right code."""

from pathlib import Path

import numpy as np
import pytest

from appliance.domain.errors import (
    InputRefused,
    PixelsDamaged,
    PixelsUnsupported,
    UnreadableObject,
    UnsupportedTransferSyntax,
)
from appliance.domain.image import Array
from appliance.study.decoding import StoredFrames
from appliance.study.headers import instance_of
from appliance.study.objects import read_object, tolerant

pytestmark = pytest.mark.shared


def decoded(path: Path, frame: int = 0) -> Array:
    with tolerant():
        return StoredFrames(read_object(path)).decode(frame)


@pytest.mark.parametrize("image", ["CT1", "MR1", "NM1", "US1"])
@pytest.mark.parametrize("encoding", ["J2KR", "JLSL", "JPLL", "RLE"])
def test_lossless_samples_equal_the_uncompressed_one(shared_data: Path, image, encoding) -> None:
    folder = shared_data / "transfer-syntaxes" / "wg04"
    if not (folder / f"{image}_{encoding}").exists():
        pytest.skip("the sample set has no such file")
    np.testing.assert_array_equal(decoded(folder / f"{image}_{encoding}"), decoded(folder / f"{image}_UNC"))


@pytest.mark.parametrize(
    ("name", "mean_error"),
    [
        ("CT1_J2KI", 60),
        ("MR1_J2KI", 60),
        ("NM1_J2KI", 10),
        ("US1_J2KI", 6),
        ("CT1_JLSN", 6),
        ("MR1_JLSN", 6),
        ("NM1_JLSN", 6),
    ],
)
def test_lossy_samples_are_near_the_uncompressed_one(shared_data: Path, name, mean_error) -> None:
    folder = shared_data / "transfer-syntaxes" / "wg04"
    original = decoded(folder / f"{name[:3]}_UNC").astype(np.int64)
    assert np.abs(decoded(folder / name).astype(np.int64) - original).mean() < mean_error


@pytest.mark.parametrize("name", ["MR1_JPLY", "NM1_JPLY"])
def test_twelve_bit_jpeg_is_refused(shared_data: Path, name) -> None:
    with pytest.raises(UnsupportedTransferSyntax):
        decoded(shared_data / "transfer-syntaxes" / "wg04" / name)


def test_fragmented_rle_equals_the_uncompressed_one(shared_data: Path) -> None:
    folder = shared_data / "transfer-syntaxes"
    fragmented = decoded(folder / "other" / "D_CLUNIE_CT1_RLE_FRAGS.dcm")
    np.testing.assert_array_equal(fragmented, decoded(folder / "wg04" / "CT1_UNC"))


def test_byte_orders_and_representations_agree(shared_data: Path) -> None:
    folder = shared_data / "transfer-syntaxes" / "other"
    expected = decoded(folder / "MR_small.dcm")
    for name in ("MR_small_implicit.dcm", "MR_small_bigendian.dcm"):
        np.testing.assert_array_equal(decoded(folder / name), expected)


@pytest.mark.parametrize(
    ("name", "shape", "lowest", "highest"),
    [
        ("GH195.dcm", (445, 795, 3), 9, 255),
        ("HTJ2KLossless_08_RGB.dcm", (480, 640, 3), 0, 255),
        ("JLSL_16_15_1_1F.dcm", (128, 128), -16384, 16383),
        ("JLSL_RGB_ILV1.dcm", (256, 256, 3), 0, 255),
        ("JPEG-LS_Lossy.dcm", (761, 761), 0, 968),
        ("OT-PAL-8-face.dcm", (480, 640), 56, 149),
        ("SC_rgb_jpeg_lossy_gdcm.dcm", (100, 100, 3), 0, 255),
        ("SC_ybr_full_422_uncompressed.dcm", (100, 100, 3), 0, 255),
        ("image_dfl.dcm", (512, 512), 0, 255),
        ("mlut_18.dcm", (512, 512), -2048, 2047),
        ("vlut_04.dcm", (512, 512), 0, 255),
    ],
)
def test_odd_encodings(shared_data: Path, name, shape, lowest, highest) -> None:
    values = decoded(shared_data / "transfer-syntaxes" / "other" / name)
    assert (values.shape, int(values.min()), int(values.max())) == (shape, lowest, highest)


def test_deflated_frames_are_refused(shared_data: Path) -> None:
    with pytest.raises(UnsupportedTransferSyntax):
        decoded(shared_data / "transfer-syntaxes" / "other" / "liver_deflate.dcm")


MALFORMED = {
    "1403-OB.dcm": None,
    "ExplVR_BigEndNoMeta.dcm": UnreadableObject,
    "ExplVR_LitEndNoMeta.dcm": PixelsUnsupported,
    "GH1301.dcm": None,
    "GH1728.dcm": None,
    "Issue1097_FailToOpenDeflatedFileWithSQ.dcm": PixelsUnsupported,
    "MR_small_padded.dcm": PixelsDamaged,
    "US_RGB_SingleFrame_project_t2_damaged.dcm": None,
    "badVR.dcm": UnreadableObject,
    "empty_charset_LEI.dcm": UnreadableObject,
    "emri_small_jpeg_2k_lossless_too_short.dcm": PixelsDamaged,
    "explicit_VR-UN.dcm": None,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_objects(shared_data: Path, name) -> None:
    path = shared_data / "malformed" / name
    refusal: type[InputRefused] | None = None
    try:
        instance_of(read_object(path, pixels=False))
        decoded(path)
    except InputRefused as refused:
        refusal = type(refused)
    assert refusal == MALFORMED[name]


def test_the_list_of_malformed_objects_is_complete(shared_data: Path) -> None:
    assert {path.name for path in (shared_data / "malformed").iterdir()} == set(MALFORMED)


def test_every_character_set_is_read(shared_data: Path) -> None:
    objects = [path for path in (shared_data / "charsets").iterdir() if not path.name.startswith("chrSQEncoding")]
    names = {instance_of(read_object(path, pixels=False)).attributes.get("PatientName") for path in objects}
    assert {
        "قباني^لنزار",
        "Buc^Jérôme",
        "Διονυσιος",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
        "Wang^XiaoDong=王^小東",
    } <= names
