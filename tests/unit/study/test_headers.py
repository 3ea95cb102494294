"""Headers to instances, series and studies; faults of foreign headers lose an attribute, never the object."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from appliance.domain.errors import UnreadableObject
from appliance.domain.identifiers import SOPInstanceUID
from appliance.domain.study import Instance
from appliance.study.attributes import attribute
from appliance.study.headers import READ_KEYWORDS, from_json, instance_of, series_of, study_of, to_json
from tests.helpers.dicom_builder import (
    axial_affine,
    blob_phantom,
    ct_series,
    enhanced,
    mr_series,
    projection,
    rotated,
    save,
)


def raw_element(keyword: str, vr: str | None, value: bytes) -> Dataset:
    tag = Tag(tag_for_keyword(keyword))
    item = Dataset()
    item._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, vr is None, True)
    return item


def test_a_functional_group_that_cannot_be_read_is_a_refusal_and_nothing_else() -> None:
    item = enhanced(blob_phantom())
    tag = Tag("PixelMeasuresSequence")
    item.SharedFunctionalGroupsSequence[0]._dict[tag] = RawDataElement(tag, "SQ", 7, b"damaged", 0, False, True)
    with pytest.raises(UnreadableObject):
        instance_of(item)


@pytest.mark.parametrize(
    ("keyword", "vr", "value", "expected"),
    [
        ("InstanceNumber", "IS", b" 34.0 ", 34),
        ("InstanceNumber", "IS", b"34.5", 34.5),
        ("InstanceNumber", "IS", b"", None),
        ("InstanceNumber", "IS", b"twelve", None),
        ("NumberOfFrames", None, b"1A", None),
        ("SliceThickness", "DS", b"5.0 ", 5.0),
        ("SliceThickness", "DS", b"nan ", None),
        ("SliceThickness", "DS", b"1e999 ", None),
        ("PixelSpacing", "DS", b"0.5\\0.6 ", (0.5, 0.6)),
        ("PixelSpacing", "DS", b"0.5\\x ", None),
        ("ImageType", "CS", b"ORIGINAL\\PRIMARY ", ("ORIGINAL", "PRIMARY")),
        ("ImageType", "CS", b"\\ ", None),
        ("SeriesDescription", "LO", b"  Thorax \0", "Thorax"),
        ("SeriesDescription", "UN", b"Thorax", "Thorax"),
        ("Rows", "US", b"\x00\x02", 512),
        ("Rows", None, b"\x00\x02", 512),
        ("Rows", "US", b"\x00", None),
        ("RepetitionTime", "FD", b"8.5 ", None),
    ],
)
def test_lenient_values(keyword, vr, value, expected) -> None:
    assert attribute(raw_element(keyword, vr, value), keyword) == expected


@given(
    keyword=st.sampled_from(sorted(READ_KEYWORDS)),
    vr=st.sampled_from([None, "UN", "DS", "IS", "US", "FD", "LO", "PN", "SQ", "OB", "ZZ"]),
    value=st.binary(max_size=40),
)
@settings(deadline=None, derandomize=True, max_examples=400)
def test_no_bytes_break_the_reading_of_a_header(keyword, vr, value) -> None:
    item = ct_series(blob_phantom((2, 3, 4)))[0]
    item.update(raw_element(keyword, vr, value)._dict)
    try:
        instance = instance_of(item)
    except UnreadableObject:
        return
    json.dumps(to_json(instance), allow_nan=False)


def test_an_instance_holds_identity_and_attributes() -> None:
    item = ct_series(blob_phantom())[2]
    instance = instance_of(item)
    assert instance.sop_instance_uid == item.SOPInstanceUID
    assert instance.sop_class_uid == item.SOPClassUID
    assert instance.transfer_syntax_uid == item.file_meta.TransferSyntaxUID
    assert instance.number_of_frames == 1
    assert instance.attributes["SliceThickness"] == 2.0
    assert instance.attributes["ImageType"] == ("ORIGINAL", "PRIMARY", "AXIAL")
    assert instance.attributes["Rows"] == 20
    assert set(instance.attributes) <= READ_KEYWORDS
    assert "Phantom" not in repr(instance)


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize("value", [None, "", "not a uid", "1.2.", "../../etc/passwd"])
def test_an_object_without_identity_is_refused(keyword, value) -> None:
    item = ct_series(blob_phantom((2, 3, 4)))[0]
    del item[keyword]
    if value is not None:
        item.update(raw_element(keyword, "UI", value.encode())._dict)
    with pytest.raises(UnreadableObject, match=keyword):
        instance_of(item)


@pytest.mark.parametrize(("value", "count"), [(b"", 1), (b"3 ", 3)])
def test_number_of_frames(value, count) -> None:
    item = projection(np.zeros((4, 4), np.uint8))
    item.update(raw_element("NumberOfFrames", "IS", value)._dict)
    assert instance_of(item).number_of_frames == count


@pytest.mark.parametrize("value", [b"1A", b"0 ", b"-4", b"2\\3"])
def test_a_nonsense_number_of_frames_is_refused(value) -> None:
    item = projection(np.zeros((4, 4), np.uint8))
    item.update(raw_element("NumberOfFrames", "IS", value)._dict)
    with pytest.raises(UnreadableObject, match="NumberOfFrames"):
        instance_of(item)


@pytest.mark.parametrize(
    ("axes", "turn", "name"),
    [
        ((0, 1, 2), (0, 0, 0), "AXIAL"),
        ((1, 0, 2), (0, 0, 0), "CORONAL"),
        ((2, 0, 1), (0, 0, 0), "SAGITTAL"),
        ((0, 1, 2), (18.5, 0, 0), "AXIAL"),
        ((0, 1, 2), (45, 0, 0), "OBLIQUE"),
    ],
)
@pytest.mark.parametrize("multi_frame", [False, True])
def test_orientation_count_and_spacing_of_a_series(axes, turn, name, multi_frame) -> None:
    phantom = blob_phantom((6, 7, 8), rotated(axial_affine(), turn)).stored(axes)
    items = [enhanced(phantom)] if multi_frame else ct_series(phantom)
    series = series_of(instance_of(item) for item in items)
    assert series.attributes["NumberOfSlices"] == len(phantom.values)
    assert series.attributes["Orientation"] == name
    assert series.attributes["SliceSpacing"] == pytest.approx(np.linalg.norm(phantom.affine[:3, 0]), abs=1e-3)


def test_repeated_positions_count_once() -> None:
    first, second = ct_series(blob_phantom()), ct_series(blob_phantom(), seed="phantom/later")
    for item in second:
        item.SeriesInstanceUID = first[0].SeriesInstanceUID
    series = series_of(instance_of(item) for item in [*first, *second])
    assert series.attributes["NumberOfSlices"] == len(first)
    assert len(series.instances) == 2 * len(first)


def test_a_series_keeps_what_its_instances_share() -> None:
    series = series_of(instance_of(item) for item in ct_series(blob_phantom()))
    assert series.modality == "CT"
    assert series.attributes["BodyPartExamined"] == "CHEST"
    assert "InstanceNumber" not in series.attributes
    assert "ImagePositionPatient" not in series.attributes


def test_functional_groups_are_lifted() -> None:
    item = enhanced(blob_phantom(), modality="MR")
    echo = Dataset()
    echo.EffectiveEchoTime = 30.0
    for number, groups in enumerate(item.PerFrameFunctionalGroupsSequence):
        groups.MREchoSequence = [echo]
        averages = Dataset()
        averages.DiffusionBValue = float(number)
        groups.MRDiffusionSequence = [averages]
    attributes = instance_of(item).attributes
    assert attributes["EchoTime"] == 30.0
    assert attributes["PixelSpacing"] == (1.0, 0.8)
    assert attributes["RescaleType"] == "US"
    assert "DiffusionBValue" not in attributes
    assert "ImagePositionPatient" not in attributes


def test_a_study_groups_its_series_and_keeps_the_patient() -> None:
    items = ct_series(blob_phantom(), seed="s/ct", SeriesNumber=2) + mr_series(
        blob_phantom(), seed="s/mr", SeriesNumber=1
    )
    study = study_of(instance_of(item) for item in [*items, *items])
    assert [series.modality for series in study.series] == ["MR", "CT"]
    assert [len(series.instances) for series in study.series] == [14, 14]
    assert study.attributes["PatientID"] == "PHANTOM-1"
    assert "Modality" not in study.attributes
    assert "Phantom" not in repr(study)


def test_json_round_trip() -> None:
    for item in (ct_series(blob_phantom())[0], enhanced(blob_phantom()), projection(np.zeros((4, 4), np.uint8))):
        instance = instance_of(item)
        again = from_json(json.loads(json.dumps(to_json(instance))))
        assert again == instance
        assert dict(again.attributes) == dict(instance.attributes)


def test_an_empty_instance_survives_json() -> None:
    instance = Instance(sop_instance_uid=SOPInstanceUID("1.2"), sop_class_uid="1.3", transfer_syntax_uid="")
    assert from_json(to_json(instance)) == instance


def test_text_of_another_character_set(tmp_path: Path) -> None:
    item = ct_series(blob_phantom((2, 3, 4)))[0]
    item.SpecificCharacterSet = "GB18030"
    item.SeriesDescription = "胸部"
    (path,) = save([item], tmp_path).values()
    assert instance_of(dcmread(path)).attributes["SeriesDescription"] == "胸部"
    item.SpecificCharacterSet = "ISO_IR 100"
    item.update(raw_element("SeriesDescription", "LO", "胸部".encode("gb18030"))._dict)
    assert instance_of(item).attributes["SeriesDescription"]


def test_every_keyword_is_in_the_dictionary() -> None:
    assert all(keyword_for_tag(tag_for_keyword(keyword)) == keyword for keyword in READ_KEYWORDS)
