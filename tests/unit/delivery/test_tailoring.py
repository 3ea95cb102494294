"""The same object in another encoding; what cannot be said in it is not sent."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.uid import JPEGLSLossless

from appliance.delivery.dimse import DimseSender
from appliance.delivery.sender import Outcome
from appliance.delivery.tailoring import in_character_set, in_syntax
from tests.helpers.dicom_builder import blob_phantom, compressed, ct_series
from tests.helpers.pacs import parcel, scripted_pacs

IMPLICIT, EXPLICIT, RLE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"


@pytest.fixture
def item() -> Dataset:
    (made,) = ct_series(blob_phantom((1, 8, 8)), seed="tailoring", PatientName="Müller^Jürgen", StudyDescription="Süd")
    return reread(made)


def reread(dataset: Dataset) -> Dataset:
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return dcmread(BytesIO(buffer.getvalue()))


def test_latin_1_says_the_same(item: Dataset) -> None:
    inner = Dataset()
    inner.CodeMeaning = "Größe"
    item.ProcedureCodeSequence = [inner]
    item = reread(item)
    assert in_character_set(item, "ISO_IR 100") is None
    buffer = BytesIO()
    dcmwrite(buffer, item, enforce_file_format=True)
    assert "Müller^Jürgen".encode("latin-1") in buffer.getvalue()
    again = dcmread(BytesIO(buffer.getvalue()))
    assert again.SpecificCharacterSet == "ISO_IR 100"
    assert (str(again.PatientName), again.StudyDescription) == ("Müller^Jürgen", "Süd")
    assert again.ProcedureCodeSequence[0].CodeMeaning == "Größe"


def test_typographic_signs_become_plain_ones(item: Dataset) -> None:
    item.ImageComments = "Liver – “normal” … ≥ 3"
    assert in_character_set(item, "ISO_IR 100") is None
    assert item.ImageComments == 'Liver - "normal" ... >= 3'


def test_a_name_that_does_not_fit_is_refused_and_not_mangled(item: Dataset) -> None:
    item.PatientName = "Иванов^Пётр"
    answer = in_character_set(reread(item), "ISO_IR 100")
    assert answer is not None
    assert (answer.outcome, answer.detail) == (Outcome.REFUSED, "PatientName cannot be written in ISO_IR 100")


def test_what_is_in_that_character_set_already_is_left_alone(item: Dataset) -> None:
    item.PatientName = "Иванов^Пётр"
    assert in_character_set(item, "ISO_IR 192") is None
    assert in_character_set(item, "") is None


def test_a_syntax_that_is_accepted_is_kept(item: Dataset) -> None:
    packed = compressed(item, JPEGLSLossless)
    assert in_syntax(packed, [JPEGLSLossless])
    assert packed.file_meta.TransferSyntaxUID == JPEGLSLossless


def test_another_is_unpacked_if_a_native_one_is_accepted(item: Dataset) -> None:
    packed = reread(compressed(item, JPEGLSLossless))
    assert in_syntax(packed, [IMPLICIT])
    assert not packed.file_meta.TransferSyntaxUID.is_encapsulated
    assert packed.PixelData == item.PixelData


def test_without_any_there_is_no_way(item: Dataset) -> None:
    assert not in_syntax(item, [RLE])


def test_a_destination_is_sent_only_the_syntaxes_of_its_settings(item: Dataset, tmp_path: Path) -> None:
    with scripted_pacs() as pacs:
        place = replace(pacs.destination, transfer_syntaxes=(IMPLICIT,), character_set="ISO_IR 100")
        (answer,) = DimseSender(place).send([parcel(item, tmp_path)])
        assert answer.outcome is Outcome.ACCEPTED
        assert set(pacs.syntaxes.values()) == {IMPLICIT}
        (stored,) = pacs.stored.values()
        assert "Müller^Jürgen".encode("latin-1") in stored
