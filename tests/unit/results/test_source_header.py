import pytest
from pydicom import Dataset

from appliance.results.source_header import TYPE_2, equipment, patient_and_study

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def header(**attributes: object) -> Dataset:
    item = Dataset()
    item.StudyInstanceUID = "1.2.3"
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def test_missing_type_2_attributes_become_empty() -> None:
    copied = patient_and_study(header())
    assert all(keyword in copied and str(copied[keyword].value or "") == "" for keyword in TYPE_2)
    assert copied.StudyInstanceUID == "1.2.3"


def test_text_is_kept_and_formats_that_cannot_be_stored_are_emptied() -> None:
    copied = patient_and_study(
        header(PatientName="Müller^Änne", PatientID="A\x1b1", PatientSex="W", StudyTime="101500.123")
    )
    assert str(copied.PatientName) == "Müller^Änne"
    assert copied.PatientID == "A1"
    assert copied.PatientSex == ""
    assert copied.StudyTime == "101500.123"


def test_faulty_dates_are_emptied() -> None:
    item = header()
    item.add_new("PatientBirthDate", "LO", "31.12.1970")
    item.add_new("StudyDate", "LO", "20260230x")
    copied = patient_and_study(item)
    assert (copied.PatientBirthDate, copied.StudyDate) == ("", "")


def test_a_split_value_stays_one_text() -> None:
    item = header()
    item.add_new("AccessionNumber", "SH", ["A1", "B2"])
    assert patient_and_study(item).AccessionNumber == "A1/B2"


def test_optional_attributes_are_copied_only_if_there() -> None:
    copied = patient_and_study(header(StudyDescription="CT Thorax", PatientAge="056Y", PatientSize=None))
    assert copied.StudyDescription == "CT Thorax"
    assert copied.PatientAge == "056Y"
    assert "PatientSize" not in copied
    assert "PatientWeight" not in copied


def test_equipment_is_the_scanner() -> None:
    copied = equipment(header(Manufacturer="Acme", StationName="CT1", PatientName="X^Y"))
    assert (copied.Manufacturer, copied.StationName) == ("Acme", "CT1")
    assert "PatientName" not in copied
