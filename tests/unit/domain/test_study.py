"""Study, series and instance: sorted identity, and no patient in what is printed."""

import pytest

from appliance.domain.identifiers import SeriesInstanceUID, SOPInstanceUID, StudyInstanceUID
from appliance.domain.study import Instance, Series, Study


def instance(uid: str, frames: int = 1) -> Instance:
    return Instance(
        sop_instance_uid=SOPInstanceUID(uid),
        sop_class_uid="1.2",
        transfer_syntax_uid="1.3",
        number_of_frames=frames,
        attributes={"PatientName": "Doe^Jane"},
    )


SERIES = Series(
    series_instance_uid=SeriesInstanceUID("1.1"),
    modality="CT",
    instances=(instance("1.1.2"), instance("1.1.10", frames=4)),
    attributes={"PatientID": "4711"},
)
STUDY = Study(study_instance_uid=StudyInstanceUID("1"), series=(SERIES,), attributes={"PatientName": "Doe^Jane"})


def test_instances_are_named_in_an_order_that_arrival_does_not_change() -> None:
    assert SERIES.sop_instance_uids == ("1.1.10", "1.1.2")


def test_frames_count_over_all_instances() -> None:
    assert SERIES.number_of_frames == 5


def test_a_series_is_found_by_its_uid() -> None:
    assert STUDY.series_by_uid(SeriesInstanceUID("1.1")) is SERIES
    with pytest.raises(KeyError):
        STUDY.series_by_uid(SeriesInstanceUID("1.2"))


def test_no_patient_attribute_is_in_what_is_printed() -> None:
    assert "Doe" not in repr(STUDY)
    assert "4711" not in repr(STUDY)
