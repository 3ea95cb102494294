"""Headers for results: standard elements, decoded, without bulk; those of many slices share what is equal."""

from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from appliance.study.objects import tolerant
from appliance.study.reference_headers import BULK_BYTES, SliceHeaders, reference_header
from tests.helpers.dicom_builder import blob_phantom, ct_series
from tests.helpers.orthanc_double import encoded


def slices(count: int = 3) -> list[Dataset]:
    return ct_series(blob_phantom((count, 8, 9)))


def stored(item: Dataset) -> Dataset:
    return dcmread(BytesIO(encoded(item)))


def header(item: Dataset) -> Dataset:
    with tolerant():
        return reference_header(stored(item))


@pytest.fixture
def item() -> Dataset:
    return slices()[0]


def test_standard_elements_stay_and_pixels_go(item: Dataset) -> None:
    made = header(item)
    assert (made.PatientName, made.SOPInstanceUID, made.Rows) == (item.PatientName, item.SOPInstanceUID, 8)
    assert "PixelData" not in made
    assert made.file_meta.TransferSyntaxUID == item.file_meta.TransferSyntaxUID


def test_private_elements_overlays_curves_icons_and_bulk_go(item: Dataset) -> None:
    item.private_block(0x0019, "MAKER", create=True).add_new(1, "LO", "secret")
    item.add_new(0x60003000, "OW", bytes(8))
    item.add_new(0x50003000, "OW", bytes(8))
    icon = Dataset()
    icon.Rows = 1
    item.IconImageSequence = [icon]
    item.add_new(0x00281201, "OW", bytes(BULK_BYTES + 2))
    nested = Dataset()
    nested.private_block(0x0019, "MAKER", create=True).add_new(1, "LO", "secret")
    nested.CodeValue = "1"
    item.ProcedureCodeSequence = [nested]
    made = header(item)
    assert not [element for element in made.iterall() if element.tag.is_private]
    assert {0x60003000, 0x50003000, 0x00281201}.isdisjoint(made.keys())
    assert "IconImageSequence" not in made
    assert made.ProcedureCodeSequence[0].CodeValue == "1"


def test_text_is_decoded_once_and_for_all(item: Dataset) -> None:
    item.SpecificCharacterSet = "ISO_IR 100"
    item.PatientName = "Müller^Jörg"
    made = header(item)
    assert made.SpecificCharacterSet == "ISO_IR 192"
    assert stored(made).PatientName == "Müller^Jörg"


def test_an_element_that_cannot_be_read_is_left_out(item: Dataset) -> None:
    damaged = stored(item)
    tag = Tag("PregnancyStatus")
    damaged._dict[tag] = RawDataElement(tag, "US", 3, b"odd", 0, False, True)
    with tolerant():
        made = reference_header(damaged)
    assert "PregnancyStatus" not in made
    assert made.PatientID == item.PatientID


def test_slices_share_what_is_equal_and_keep_what_is_their_own() -> None:
    headers = SliceHeaders()
    with tolerant():
        first, second, third = (headers.header(stored(item)) for item in slices())
    assert first["PatientID"] is second["PatientID"] is third["PatientID"]
    assert len({h.SOPInstanceUID for h in (first, second, third)}) == 3
    assert len({tuple(h.ImagePositionPatient) for h in (first, second, third)}) == 3


def test_a_slice_header_says_the_same_as_the_full_one() -> None:
    headers = SliceHeaders()
    for item in slices():
        with tolerant():
            made = headers.header(stored(item))
        full = header(item)
        assert all(element == full[element.tag] for element in made)


def test_slices_in_different_character_sets_are_each_decoded_by_their_own() -> None:
    one, other = slices(2)
    one.SpecificCharacterSet, one.PatientName = "ISO_IR 100", "Müller"
    other.SpecificCharacterSet, other.PatientName = "ISO_IR 192", "Müller"
    headers = SliceHeaders()
    with tolerant():
        names = [str(headers.header(stored(item)).PatientName) for item in (one, other, one)]
    assert names == ["Müller"] * 3


def test_private_elements_are_no_part_of_a_slice_header(item: Dataset) -> None:
    item.private_block(0x0019, "MAKER", create=True).add_new(1, "LO", "secret")
    with tolerant():
        assert not [element for element in SliceHeaders().header(stored(item)) if element.tag.is_private]
