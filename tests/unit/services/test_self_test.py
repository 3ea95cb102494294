"""The self-test is known by all of its marks, and by nothing less."""

from dataclasses import replace

import pytest

from appliance.node.health.whole_way import self_test_dataset
from appliance.services.self_test import RULE, is_self_test
from appliance.study.headers import instance_of, study_of


def test_the_study_that_the_doctor_sends_is_the_self_test() -> None:
    assert is_self_test(study_of([instance_of(self_test_dataset())]))


@pytest.mark.parametrize("mark", ["StudyDescription", "PatientID", "ManufacturerModelName"])
def test_a_study_that_lacks_one_mark_is_an_ordinary_one(mark: str) -> None:
    dataset = self_test_dataset()
    setattr(dataset, mark, "something else")
    assert not is_self_test(study_of([instance_of(dataset)]))


def test_its_results_go_to_no_destination() -> None:
    assert RULE.destinations == ()
    assert replace(RULE, destinations=("*",)) != RULE


def test_each_self_test_is_a_new_study() -> None:
    one, other = self_test_dataset(), self_test_dataset()
    uids = {str(value) for study in (one, other) for value in (study.StudyInstanceUID, study.SOPInstanceUID)}
    assert len(uids) == 4
    assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID
